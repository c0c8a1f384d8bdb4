public import ControlAPI

/// Who asks, as the kernel says.
public struct Caller: Sendable, Hashable {
    /// The Unix user; nil where the kernel does not say, which makes the caller unknown.
    public var uid: UInt32?
    /// The login of that user; nil for one that the system does not know.
    public var login: String?
    /// uid 0, the daemon's own user, or a member of the group of admins.
    public var isAdmin: Bool

    /// A caller with what the kernel says of them.
    public init(uid: UInt32?, login: String?, isAdmin: Bool) {
        (self.uid, self.login, self.isAdmin) = (uid, login, isAdmin)
    }

    /// A name for the journal and the audit log.
    var name: String {
        switch (uid, login) {
        case (let uid?, let login?): "\(login) (uid \(uid))"
        case (let uid?, nil): "uid \(uid)"
        case (nil, let login?): login
        case (nil, nil): "nobody"
        }
    }
}

/// A request, without the connection that it came on.
public struct ControlRequest: Sendable {
    /// The most bytes that a body may have where its route says nothing else.
    public static let bodyLimit = 1 << 20

    /// HTTP method in capitals.
    public var method: String
    /// Path as it was sent, percent-encoded.
    public var path: String
    /// Query as it was sent, without the `?`; empty where there is none.
    public var query: String
    /// Header `Idempotency-Key`.
    public var idempotencyKey: String?
    /// Header `Last-Event-ID`.
    public var lastEventID: String?
    /// The body. One that is longer than its route takes is answered with `too_large`.
    public var body: [UInt8]

    /// A request for a target as it stands in the request line, such as `/v1/units?limit=10`.
    public init(
        _ method: String, _ target: String, body: [UInt8] = [], idempotencyKey: String? = nil,
        lastEventID: String? = nil
    ) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        (self.method, path) = (method, parts.first.map(String.init) ?? "")
        query = parts.count > 1 ? String(parts[1]) : ""
        (self.body, self.idempotencyKey, self.lastEventID) = (body, idempotencyKey, lastEventID)
    }
}

/// An answer, without the connection that it goes out on.
public struct ControlResponse: Sendable {
    /// HTTP status.
    public var status: Int
    /// Media type of the body.
    public var contentType: String
    /// HTTP methods for the header `Allow`, where the request's is not one of them.
    public var allowed: [String] = []
    /// What is sent.
    public var body: Body

    /// Sends a piece of a stream; returns once there is room for more, and throws once the reader has left.
    public typealias Send = @Sendable ([UInt8]) async throws -> Void

    /// A body that is there, or that comes.
    public enum Body: Sendable {
        /// The whole body.
        case bytes([UInt8])
        /// A body that is made while it is sent, until the function returns, throws or is cancelled.
        case stream(@Sendable (_ send: Send) async throws -> Void)
    }

    /// An answer with a body.
    public init(status: Int, contentType: String, body: Body) {
        (self.status, self.contentType, self.body) = (status, contentType, body)
    }

    /// An answer of JSON.
    init(status: Int = 200, json: [UInt8]) {
        self.init(status: status, contentType: "application/json", body: .bytes(json))
    }

    /// An answer that says why not.
    public init(_ problem: Problem) {
        self.init(
            status: problem.status, contentType: Problem.mediaType, body: .bytes(problem.json.jsonBytes))
        allowed = problem.allowed
    }
}
