// A SIP phone on JAIN-SIP, told line by line what to do: the honest softphone and the attack tool alike.
// Relies on: the NIST implementation of JAIN-SIP (libnist-sip-aosp-java, libsip-api-java).
// Relied on by: stacks.py (builds it), softphones.py and console_attacker.py (drive it).
//
// Arguments, commands and what it says are those of sofia/phone.c.

import gov.nist.javax.sip.SipStackExt;
import gov.nist.javax.sip.clientauthutils.AccountManager;
import gov.nist.javax.sip.clientauthutils.AuthenticationHelper;
import gov.nist.javax.sip.clientauthutils.UserCredentials;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.Timer;
import java.util.TimerTask;
import javax.sip.ClientTransaction;
import javax.sip.Dialog;
import javax.sip.DialogTerminatedEvent;
import javax.sip.IOExceptionEvent;
import javax.sip.ListeningPoint;
import javax.sip.RequestEvent;
import javax.sip.ResponseEvent;
import javax.sip.ServerTransaction;
import javax.sip.SipFactory;
import javax.sip.SipListener;
import javax.sip.SipProvider;
import javax.sip.TimeoutEvent;
import javax.sip.TransactionTerminatedEvent;
import javax.sip.address.Address;
import javax.sip.address.AddressFactory;
import javax.sip.address.SipURI;
import javax.sip.address.URI;
import javax.sip.header.CSeqHeader;
import javax.sip.header.CallIdHeader;
import javax.sip.header.ContactHeader;
import javax.sip.header.FromHeader;
import javax.sip.header.Header;
import javax.sip.header.HeaderFactory;
import javax.sip.header.RSeqHeader;
import javax.sip.header.ReferToHeader;
import javax.sip.header.ToHeader;
import javax.sip.header.ViaHeader;
import javax.sip.message.MessageFactory;
import javax.sip.message.Request;
import javax.sip.message.Response;

public final class Phone implements SipListener {
  private static final int TRIES = 2;
  private static final double RENEWED_AFTER = 0.6; // of a binding's life

  /** Who speaks. */
  private record Account(String user, String password, String name) implements UserCredentials {
    public String getUserName() {
      return user;
    }

    public String getPassword() {
      return password;
    }

    public String getSipDomain() {
      return "";
    }
  }

  /** What a request was sent for; a challenge that is answered hands it on to the next transaction. */
  private static final class Purpose {
    final Account account;
    int tries;
    boolean call;

    Purpose(Account account, int tries, boolean call) {
      this.account = account;
      this.tries = tries;
      this.call = call;
    }
  }

  private final String host, domain, media, agent;
  private final int port, timer;
  private final boolean reliable;
  private final Random random = new Random();
  private final Timer clock = new Timer(true);
  private final Map<ClientTransaction, Purpose> purposes = new HashMap<>();
  private final AddressFactory addresses;
  private final HeaderFactory headers;
  private final MessageFactory messages;
  private final SipProvider provider;
  private final AuthenticationHelper authentication;

  private Account self = new Account("anonymous", "", "");
  private Request binding; // the last REGISTER of `self`, renewed with the same Call-ID
  private TimerTask renewal;
  private Dialog dialog; // of the call that commands are about
  private ClientTransaction calling; // an INVITE of our own without a final answer
  private ServerTransaction ringing; // somebody's INVITE without a final answer
  private boolean talking;
  private int version = 1; // of our session description

  private Phone(String[] args) throws Exception {
    String[] bind = args[0].replaceAll("^sip:|;.*", "").split(":(?=\\d+$)");
    host = bind[0].replaceAll("[\\[\\]]", "");
    port = Integer.parseInt(bind[1]);
    domain = args[2];
    media = args[3];
    agent = args[4];
    timer = Integer.parseInt(args[5]);
    reliable = args[6].equals("1");
    SipFactory factory = SipFactory.getInstance();
    Properties settings = new Properties();
    settings.setProperty("javax.sip.STACK_NAME", "phone");
    settings.setProperty("gov.nist.javax.sip.TRACE_LEVEL", "0");
    settings.setProperty("javax.sip.AUTOMATIC_DIALOG_SUPPORT", "on");
    if (!args[1].isEmpty()) settings.setProperty("javax.sip.OUTBOUND_PROXY", args[1].replaceAll("^sip:|;.*", "") + "/udp");
    var stack = factory.createSipStack(settings);
    addresses = factory.createAddressFactory();
    headers = factory.createHeaderFactory();
    messages = factory.createMessageFactory();
    ListeningPoint point = stack.createListeningPoint(host, port, "udp");
    provider = stack.createSipProvider(point);
    provider.addSipListener(this);
    AccountManager accounts = (transaction, realm) -> purposes.get(transaction).account;
    authentication = ((SipStackExt) stack).getAuthenticationHelper(accounts, headers);
  }

  private static void say(String text) {
    System.out.println(text);
    System.out.flush();
  }

  // -- requests ---------------------------------------------------------------------------------------

  private String bracketed() {
    return host.contains(":") ? "[" + host + "]" : host;
  }

  private Address address(String uri, String name) throws Exception {
    Address address = addresses.createAddress(addresses.createURI(uri.replaceAll("^<|>$", "")));
    if (!name.isEmpty()) address.setDisplayName(name);
    return address;
  }

  private ContactHeader contact() throws Exception {
    SipURI uri = addresses.createSipURI(self.user(), bracketed());
    uri.setPort(port);
    return headers.createContactHeader(addresses.createAddress(uri));
  }

  private List<ViaHeader> vias() throws Exception {
    List<ViaHeader> vias = new ArrayList<>();
    ViaHeader via = headers.createViaHeader(bracketed(), port, "udp", null);
    via.setRPort();
    vias.add(via);
    return vias;
  }

  /** What every request of ours carries beside what the library puts there. */
  private void dress(Request request) throws Exception {
    if (!agent.isEmpty()) request.setHeader(headers.createUserAgentHeader(List.of(agent.split(" "))));
    if (!request.getMethod().equals(Request.INVITE)) return;
    request.setHeader(headers.createAllowHeader("INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, REFER, NOTIFY"));
    if (timer > 0) request.setHeader(headers.createHeader("Session-Expires", String.valueOf(timer)));
    if (timer > 0) request.addHeader(headers.createSupportedHeader("timer"));
    if (reliable) request.addHeader(headers.createSupportedHeader("100rel"));
  }

  private Request outside(String method, String uri, String to) throws Exception {
    FromHeader from =
        headers.createFromHeader(address("sip:" + self.user() + "@" + domain, self.name()), Long.toHexString(random.nextLong()));
    ToHeader toHeader = headers.createToHeader(address(to, ""), null);
    CallIdHeader callId = provider.getNewCallId();
    CSeqHeader cseq = headers.createCSeqHeader(1L + random.nextInt(3), method);
    URI target = addresses.createURI(uri.replaceAll("^<|>$", ""));
    Request request =
        messages.createRequest(target, method, callId, cseq, from, toHeader, vias(), headers.createMaxForwardsHeader(70));
    request.setHeader(contact());
    dress(request);
    return request;
  }

  private ClientTransaction send(Request request, int tries, boolean call) throws Exception {
    ClientTransaction transaction = provider.getNewClientTransaction(request);
    purposes.put(transaction, new Purpose(self, tries, call));
    transaction.sendRequest();
    return transaction;
  }

  private void inside(Request request) throws Exception {
    dress(request);
    ClientTransaction transaction = provider.getNewClientTransaction(request);
    purposes.put(transaction, new Purpose(self, TRIES, false));
    dialog.sendRequest(transaction);
  }

  private void body(Request request, String type, String text) throws Exception {
    String[] names = type.split("/");
    request.setContent(text.getBytes(StandardCharsets.UTF_8), headers.createContentTypeHeader(names[0], names[1]));
  }

  private String description(String direction) {
    String net = host.contains(":") ? "IN IP6 " : "IN IP4 ";
    return String.join(
        "\r\n", "v=0", "o=" + self.user() + " " + media + " " + version++ + " " + net + host, "s=call", "c=" + net + host,
        "t=0 0", "m=audio " + media + " RTP/AVP 0 8", "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000", "a=" + direction, "");
  }

  // -- commands ---------------------------------------------------------------------------------------

  private synchronized void obey(String line) {
    String[] given = line.split("\t", -1);
    String[] field = new String[12];
    for (int i = 0; i < field.length; i++) field[i] = i < given.length ? given[i] : "";
    try {
      run(field);
    } catch (Exception error) {
      say("error " + field[0] + ": " + error);
    }
  }

  private void run(String[] field) throws Exception {
    switch (field[0]) {
      case "as" -> {
        self = new Account(field[1], field[2], field[3]);
        binding = null;
      }
      case "register" -> register(Integer.parseInt(field[1]));
      case "guess" -> send(registration(domain, 60), 1, false);
      case "call" -> call(field[1], TRIES);
      case "answer" -> answer(Response.OK);
      case "hangup" -> hangUp(field[1]);
      case "hold" -> reinvite("sendonly");
      case "resume" -> reinvite("sendrecv");
      case "transfer" -> transfer(field[1]);
      case "message" -> text(field[1], field[2], TRIES);
      case "options" -> send(outside(Request.OPTIONS, field[1], field[1]), TRIES, false);
      case "subscribe" -> subscribe(field[1], field[2], TRIES);
      case "publish" -> publish(field[1]);
      case "probe" -> probe(field[1], field[2]);
      case "forge" -> forge(field);
      case "quit" -> quit();
      default -> say("unknown " + field[0]);
    }
  }

  private Request registration(String host, int seconds) throws Exception {
    String own = "sip:" + self.user() + "@" + domain;
    Request request = outside(Request.REGISTER, "sip:" + host, own);
    ((ToHeader) request.getHeader(ToHeader.NAME)).setAddress(address(own, self.name()));
    request.setHeader(headers.createExpiresHeader(seconds));
    return request;
  }

  private void register(int seconds) throws Exception {
    Request request = registration(domain, seconds);
    if (binding != null) {
      request.setHeader((CallIdHeader) binding.getHeader(CallIdHeader.NAME));
      request.setHeader((FromHeader) binding.getHeader(FromHeader.NAME));
      long last = ((CSeqHeader) binding.getHeader(CSeqHeader.NAME)).getSeqNumber();
      request.setHeader(headers.createCSeqHeader(last + 2, Request.REGISTER)); // one more than an answered challenge took
    }
    binding = request;
    send(request, TRIES, false);
    if (renewal != null) renewal.cancel();
    if (seconds == 0) return;
    renewal = new TimerTask() {
      @Override
      public void run() {
        obey("register\t" + seconds);
      }
    };
    clock.schedule(renewal, (long) (1000 * seconds * RENEWED_AFTER));
  }

  private void call(String uri, int tries) throws Exception {
    Request request = outside(Request.INVITE, uri, uri);
    body(request, "application/sdp", description("sendrecv"));
    calling = send(request, tries, true);
    dialog = calling.getDialog();
    talking = false;
  }

  private void answer(int status) throws Exception {
    if (ringing == null) return;
    Response response = messages.createResponse(status, ringing.getRequest());
    ToHeader to = (ToHeader) response.getHeader(ToHeader.NAME);
    if (to.getTag() == null && dialog != null && dialog.getLocalTag() != null) to.setTag(dialog.getLocalTag());
    if (to.getTag() == null) to.setTag(Long.toHexString(random.nextLong()));
    if (status < 300) response.setHeader(contact());
    if (status == Response.OK)
      response.setContent(
          description("sendrecv").getBytes(StandardCharsets.UTF_8), headers.createContentTypeHeader("application", "sdp"));
    ServerTransaction transaction = ringing;
    if (status >= 200) ringing = null;
    talking = status == Response.OK;
    transaction.sendResponse(response);
    if (status >= 300) ended();
  }

  private void hangUp(String status) throws Exception {
    if (ringing != null) answer(status.equals("603") ? Response.DECLINE : Response.BUSY_HERE);
    else if (talking && dialog != null) inside(dialog.createRequest(Request.BYE));
    else if (calling != null) send(calling.createCancel(), 0, false);
    if (talking) ended();
  }

  private void reinvite(String direction) throws Exception {
    if (!talking || dialog == null) return;
    Request request = dialog.createRequest(Request.INVITE);
    request.setHeader(contact());
    body(request, "application/sdp", description(direction));
    inside(request);
  }

  private void transfer(String uri) throws Exception {
    if (!talking || dialog == null) return;
    Request request = dialog.createRequest(Request.REFER);
    request.setHeader(contact());
    request.setHeader(headers.createReferToHeader(address(uri, "")));
    inside(request);
  }

  private void text(String uri, String text, int tries) throws Exception {
    Request request = outside(Request.MESSAGE, uri, uri);
    body(request, "text/plain", text);
    send(request, tries, false);
  }

  private void subscribe(String uri, String event, int tries) throws Exception {
    Request request = outside(Request.SUBSCRIBE, uri, uri);
    request.setHeader(headers.createEventHeader(event));
    request.setHeader(headers.createExpiresHeader(60));
    send(request, tries, false);
  }

  private void publish(String text) throws Exception {
    String own = "sip:" + self.user() + "@" + domain;
    Request request = outside(Request.PUBLISH, own, own);
    request.setHeader(headers.createEventHeader("presence"));
    request.setHeader(headers.createExpiresHeader(60));
    body(request, "application/pidf+xml", text);
    send(request, TRIES, false);
  }

  private void probe(String method, String uri) throws Exception {
    switch (method) {
      case Request.INVITE -> call(uri, 0);
      case Request.REGISTER -> send(registration(uri.replaceAll("^sip:(.*@)?", ""), 60), 0, false);
      case Request.MESSAGE -> text(uri, "?", 0);
      case Request.SUBSCRIBE -> subscribe(uri, "presence", 0);
      default -> send(outside(method, uri, uri), 0, false);
    }
  }

  /** A request of somebody's dialog, in his name, without a transaction. */
  private void forge(String[] field) throws Exception {
    Request request = outside(field[1], field[2], field[2]);
    request.setHeader(headers.createCallIdHeader(field[3]));
    request.setHeader(headers.createCSeqHeader(Long.parseLong(field[4]), field[1]));
    request.setHeader(headers.createHeader("From", field[5]));
    request.setHeader(headers.createHeader("To", field[6]));
    for (String route : field[7].split(",(?=\\s*<)")) {
      if (!route.isBlank()) request.addLast(headers.createHeader("Route", route.strip()));
    }
    if (!field[8].isEmpty()) request.setHeader(headers.createHeader(ReferToHeader.NAME, field[8]));
    if (field[1].equals(Request.INVITE) || field[1].equals(Request.UPDATE))
      body(request, "application/sdp", description("sendrecv"));
    provider.sendRequest(request);
  }

  private void quit() throws Exception {
    if (binding != null) register(0);
    clock.schedule(
        new TimerTask() {
          @Override
          public void run() {
            System.exit(0);
          }
        },
        800);
  }

  private void ended() {
    dialog = null;
    talking = false;
    calling = null;
    ringing = null;
    say("ended");
  }

  // -- events -----------------------------------------------------------------------------------------

  @Override
  public synchronized void processResponse(ResponseEvent event) {
    try {
      responded(event);
    } catch (Exception error) {
      say("error response: " + error);
    }
  }

  private void responded(ResponseEvent event) throws Exception {
    Response response = event.getResponse();
    ClientTransaction transaction = event.getClientTransaction();
    CSeqHeader cseq = (CSeqHeader) response.getHeader(CSeqHeader.NAME);
    int status = response.getStatusCode();
    say(cseq.getMethod() + " " + status);
    Purpose purpose = transaction == null ? null : purposes.get(transaction);
    if (purpose == null) return; // an answer once more
    if ((status == 401 || status == 407) && purpose.tries-- > 0) {
      ClientTransaction again = authentication.handleChallenge(response, transaction, provider, 30);
      purposes.put(again, purpose);
      if (transaction == calling) {
        calling = again;
        dialog = again.getDialog();
      }
      again.sendRequest();
      return;
    }
    boolean invite = cseq.getMethod().equals(Request.INVITE);
    Dialog at = event.getDialog();
    if (invite && status > 100 && status < 200 && response.getHeader(RSeqHeader.NAME) != null && at != null)
      at.sendRequest(provider.getNewClientTransaction(at.createPrack(response)));
    if (invite && status >= 200 && status < 300 && at != null) {
      at.sendAck(at.createAck(cseq.getSeqNumber()));
      if (transaction == calling) {
        talking = true;
        dialog = at;
        calling = null;
        say("talking");
      }
    } else if (transaction == calling && status >= 300) {
      ended();
    }
    if (status >= 200) purposes.remove(transaction);
  }

  @Override
  public synchronized void processRequest(RequestEvent event) {
    try {
      asked(event);
    } catch (Exception error) {
      say("error request: " + error);
    }
  }

  private void asked(RequestEvent event) throws Exception {
    Request request = event.getRequest();
    String method = request.getMethod();
    ServerTransaction transaction = event.getServerTransaction();
    if (method.equals(Request.ACK)) return;
    if (transaction == null) transaction = provider.getNewServerTransaction(request);
    boolean within = ((ToHeader) request.getHeader(ToHeader.NAME)).getTag() != null;
    if (method.equals(Request.INVITE)) {
      invited(transaction, within);
      return;
    }
    boolean known = List.of("BYE", "CANCEL", "OPTIONS", "MESSAGE", "REFER", "NOTIFY", "INFO", "UPDATE", "PRACK").contains(method);
    boolean stray = method.equals(Request.BYE) && event.getDialog() == null;
    int status = stray ? 481 : method.equals(Request.REFER) ? 202 : known ? 200 : 501;
    Response response = messages.createResponse(status, request);
    ToHeader to = (ToHeader) response.getHeader(ToHeader.NAME);
    if (to.getTag() == null) to.setTag(Long.toHexString(random.nextLong()));
    if (method.equals(Request.REFER)) response.setHeader(contact());
    transaction.sendResponse(response);
    if (method.equals(Request.CANCEL) && ringing != null) answer(Response.REQUEST_TERMINATED);
    else if (method.equals(Request.BYE) && event.getDialog() == dialog) ended();
    else if (method.equals(Request.REFER)) follow((ReferToHeader) request.getHeader(ReferToHeader.NAME));
  }

  private void invited(ServerTransaction transaction, boolean within) throws Exception {
    if (within && transaction.getDialog() == dialog && talking) { // held, resumed, or moved
      ringing = transaction;
      answer(Response.OK);
    } else if (within || dialog != null || ringing != null) {
      Response busy = messages.createResponse(within ? 481 : Response.BUSY_HERE, transaction.getRequest());
      ToHeader to = (ToHeader) busy.getHeader(ToHeader.NAME);
      if (to.getTag() == null) to.setTag(Long.toHexString(random.nextLong()));
      transaction.sendResponse(busy);
    } else {
      ringing = transaction;
      dialog = transaction.getDialog();
      answer(Response.RINGING);
      say("incoming");
    }
  }

  private void follow(ReferToHeader header) throws Exception {
    if (header == null) return;
    hangUp("");
    call(header.getAddress().getURI().toString(), TRIES);
  }

  @Override
  public synchronized void processTimeout(TimeoutEvent event) {
    if (event.isServerTransaction()) return;
    purposes.remove(event.getClientTransaction());
    if (event.getClientTransaction() == calling) ended();
  }

  @Override
  public void processIOException(IOExceptionEvent event) {}

  @Override
  public void processTransactionTerminated(TransactionTerminatedEvent event) {}

  @Override
  public synchronized void processDialogTerminated(DialogTerminatedEvent event) {
    if (event.getDialog() == dialog && talking) ended();
  }

  public static void main(String[] args) throws Exception {
    if (args.length != 7) {
      System.err.println("usage: Phone BIND PROXY DOMAIN MEDIA-PORT AGENT TIMER 100REL");
      System.exit(2);
    }
    Phone phone = new Phone(args);
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = input.readLine()) != null; ) phone.obey(line);
    System.exit(0);
  }
}
