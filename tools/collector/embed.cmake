# Turns a file into a C array: cmake -DINPUT=page.html -DOUTPUT=page.c -DHEADER=page.h -DNAME=collector_page -P embed.cmake
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT} "#include \"${HEADER}\"\n\nconst unsigned char ${NAME}[] = {\n${bytes}0};\n"
                     "const size_t ${NAME}_size = sizeof ${NAME} - 1;\n")
