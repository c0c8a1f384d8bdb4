import Barcodes
import ControlAPI
import NIOHTTP1

/// The head of a request after what RFC 9112 asks of it was checked: what is asked for, and how its body comes.
struct RequestHead {
    /// The request, without its body.
    var request: ControlRequest
    /// How many bytes the body has, where the head says so.
    var length: Int?
    /// Whether the body comes in chunks.
    var isChunked: Bool
    /// Whether the client waits for a word before it sends the body.
    var expectsContinue: Bool
    /// Whether the client takes further answers on this connection.
    var isKeptAlive: Bool
    /// Whether the client speaks HTTP/1.0, which knows no chunks.
    var isOld: Bool

    /// Whether a body comes.
    var hasBody: Bool { isChunked || (length ?? 0) > 0 }

    init(_ head: HTTPRequestHead) throws(Problem) {
        let fields = head.headers
        isOld = head.version.minor == 0
        // After these the decoder reads nothing more.
        let isUpgrade = fields.contains(name: "Upgrade") || head.method == .CONNECT
        isKeptAlive = head.isKeepAlive && !isUpgrade
        (length, isChunked) = try Self.framing(fields, isOld: isOld)
        try Self.checkHost(fields["Host"], isOld: isOld)
        expectsContinue = false
        if let expectation = try Self.only("Expect", in: fields), !isOld {
            guard expectation.lowercased() == "100-continue" else {
                throw Problem(
                    .invalidArgument,
                    "cannot meet the expectation \"\(expectation.shown)\"; only 100-continue is known",
                    status: 417)
            }
            expectsContinue = true
        }
        request = ControlRequest(
            head.method.rawValue, Self.target(head.uri), idempotencyKey: try Self.only("Idempotency-Key", in: fields),
            lastEventID: try Self.only("Last-Event-ID", in: fields))
    }

    private static func framing(_ fields: HTTPHeaders, isOld: Bool) throws(Problem) -> (length: Int?, isChunked: Bool) {
        let (codings, lengths) = (fields["Transfer-Encoding"], fields["Content-Length"])
        if codings.isEmpty {
            guard let text = lengths.first else { return (nil, false) }
            guard lengths.count == 1, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(text)
            else {
                throw Problem(.invalidArgument, "Content-Length must stand once and be a whole number of bytes")
            }
            return (length, false)
        }
        guard lengths.isEmpty, !isOld else {
            throw Problem(
                .invalidArgument,
                "cannot tell where the body ends: send either Content-Length or, with HTTP/1.1, Transfer-Encoding")
        }
        guard codings.count == 1, codings[0].lowercased() == "chunked" else {
            throw Problem(
                .invalidArgument,
                "cannot read the transfer encoding \"\(codings.joined(separator: ", ").shown)\"; only chunked is known",
                status: 501)
        }
        return (nil, true)
    }

    /// HTTP/1.1 asks for exactly one `Host`. It may be empty, as a Unix socket has no host.
    private static func checkHost(_ hosts: [String], isOld: Bool) throws(Problem) {
        guard hosts.count == 1 || (isOld && hosts.isEmpty) else {
            throw Problem(
                .invalidArgument,
                hosts.isEmpty
                    ? "the header Host is missing; HTTP/1.1 asks for one, such as Host: localhost"
                    : "the header Host stands \(hosts.count) times; send it once")
        }
        let allowed = Set("-._~:%[]!$&'()*+;=".utf8)
        guard
            hosts.allSatisfy({ host in
                host.utf8.allSatisfy { byte in
                    allowed.contains(byte) || (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
                }
            })
        else {
            throw Problem(.invalidArgument, "the header Host is no host name; send one, such as Host: localhost")
        }
    }

    private static func only(_ name: String, in fields: HTTPHeaders) throws(Problem) -> String? {
        let values = fields[name]
        guard values.count <= 1 else {
            throw Problem(.invalidArgument, "the header \(name) stands \(values.count) times; send it once")
        }
        return values.first
    }

    /// Path and query of a target, which may name scheme and host as well (RFC 9112, section 3.2.2).
    private static func target(_ uri: String) -> String {
        guard uri.first != "/", let scheme = ["http://", "https://"].first(where: { uri.lowercased().hasPrefix($0) })
        else { return uri }
        let rest = uri.dropFirst(scheme.count)
        return rest.firstIndex { $0 == "/" || $0 == "?" }.map { String(rest[$0...]) } ?? "/"
    }
}

extension Problem {
    /// What is wrong with bytes that are no HTTP/1.1.
    init(_ error: HTTPParserError) {
        switch error {
        case .headerOverflow:
            self.init(
                .tooLarge,
                "the head of the request is too large: a header or the address may have "
                    + "\(HTTPLimits.fieldSize >> 10) KiB, all together \(HTTPLimits.headSize >> 10) KiB in "
                    + "\(HTTPLimits.fieldCount) headers", status: 431)
        case .invalidVersion:
            self.init(.invalidArgument, "cannot speak this version of HTTP; send HTTP/1.1", status: 505)
        case .invalidMethod: self.init(.invalidArgument, "cannot read the request: its method is not an HTTP method")
        case .invalidURL: self.init(.invalidArgument, "cannot read the request: its address is malformed")
        case .invalidContentLength, .unexpectedContentLength:
            self.init(
                .invalidArgument,
                "cannot tell where the body ends: Content-Length must stand once, be a whole number of bytes, and have "
                    + "no Transfer-Encoding beside it")
        case .invalidChunkSize: self.init(.invalidArgument, "cannot read the body: the size of a chunk is wrong")
        case .invalidHeaderToken: self.init(.invalidArgument, "cannot read the request: a header is malformed")
        case .invalidEOFState: self.init(.invalidArgument, "the request was cut off before its end")
        default: self.init(.invalidArgument, "cannot read the request: this is not HTTP/1.1")
        }
    }
}
