/* Newton's method on the two parameters of a logistic regression.
 * Relies on: libm.
 * Relied on by: train/calibrate, tests. */
#include "train/platt.h"

#include <math.h>

enum { CASES_LEAST = 10, STEPS = 100, HALVINGS = 20 };
static const double slope_least = 0.125, slope_greatest = 8, bias_greatest = 32;

/* What a side weighs in all, and the smoothed target of its cases. */
typedef struct Side {
    double weight, target;
} Side;

/* -log likelihood of slope and bias, its gradient and Hessian. */
typedef struct Fit {
    double loss, gradient[2], hessian[3]; /* slope², slope bias, bias² */
} Fit;

static double clamp(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
}

static Fit evaluate(const TrainCase *cases, size_t n, const Side sides[2], double slope, double bias) {
    Fit fit = {.loss = 0};
    for (size_t i = 0; i < n; i++) {
        const Side *side = &sides[cases[i].kind == TRAIN_CASE_POSITIVE];
        double x = (double)cases[i].logit, z = slope * x + bias;
        double p = 1 / (1 + exp(-z));
        /* log(1 + exp(z)) - t z, without overflow */
        fit.loss += side->weight * (fmax(z, 0) + log1p(exp(-fabs(z))) - side->target * z);
        double slack = side->weight * (p - side->target), curve = side->weight * p * (1 - p);
        fit.gradient[0] += slack * x;
        fit.gradient[1] += slack;
        fit.hessian[0] += curve * x * x;
        fit.hessian[1] += curve * x;
        fit.hessian[2] += curve;
    }
    return fit;
}

/* A step of Newton's method, halved until the loss falls; false when it no longer does. */
static bool improve(const TrainCase *cases, size_t n, const Side sides[2], Fit *fit, double *slope,
                    double *bias) {
    double a = fit->hessian[0] + 1e-9, b = fit->hessian[1], c = fit->hessian[2] + 1e-9,
           determinant = a * c - b * b;
    if (!(determinant > 0)) return false;
    double along_slope = -(c * fit->gradient[0] - b * fit->gradient[1]) / determinant;
    double along_bias = -(a * fit->gradient[1] - b * fit->gradient[0]) / determinant;
    double step = 1;
    for (int i = 0; i < HALVINGS; i++, step /= 2) {
        double new_slope = clamp(*slope + step * along_slope, slope_least, slope_greatest);
        double new_bias = clamp(*bias + step * along_bias, -bias_greatest, bias_greatest);
        Fit next = evaluate(cases, n, sides, new_slope, new_bias);
        if (next.loss < fit->loss - 1e-12) {
            *slope = new_slope;
            *bias = new_bias;
            *fit = next;
            return true;
        }
    }
    return false;
}

TrainPlatt train_platt_fit(const TrainCase *cases, size_t n) {
    double count[2] = {0};
    for (size_t i = 0; i < n; i++)
        count[cases[i].kind == TRAIN_CASE_POSITIVE]++;
    if (count[0] < CASES_LEAST || count[1] < CASES_LEAST) return (TrainPlatt){0};
    const Side sides[2] = {{0.5 / count[0], 1 / (count[0] + 2)},
                           {0.5 / count[1], (count[1] + 1) / (count[1] + 2)}};
    double slope = 1, bias = 0;
    Fit fit = evaluate(cases, n, sides, slope, bias);
    for (int i = 0; i < STEPS && improve(cases, n, sides, &fit, &slope, &bias); i++) {
    }
    return (TrainPlatt){(float)(1 / slope), (float)bias};
}
