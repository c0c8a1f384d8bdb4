/// What kind of no an answer is, stable for programs.
public enum ErrorCode: String, CaseIterable, Sendable {
    /// The request itself is wrong.
    case invalidArgument = "invalid_argument"
    /// The caller may not use this verb.
    case permissionDenied = "permission_denied"
    /// There is no such thing within the caller's scope.
    case notFound = "not_found"
    /// What the request would create is there already.
    case conflict
    /// A rule of the shop floor forbids it; `Problem.reason` says which.
    case refused
    /// The request's body is too large.
    case tooLarge = "too_large"
    /// Not now: the ledger can't be written, or too much is asked at once.
    case unavailable
    /// A mistake in the daemon; its journal says more.
    case `internal`

    /// The HTTP status of an answer with this code.
    public var status: Int {
        switch self {
        case .invalidArgument: 400
        case .permissionDenied: 403
        case .notFound: 404
        case .conflict, .refused: 409
        case .tooLarge: 413
        case .internal: 500
        case .unavailable: 503
        }
    }

    /// The exit status of a command that got this answer.
    public var exitStatus: ExitStatus {
        switch self {
        case .invalidArgument, .tooLarge: .usage
        case .permissionDenied: .notPermitted
        case .notFound: .notFound
        case .conflict, .refused: .refused
        case .unavailable, .internal: .tryAgain
        }
    }

    /// The usual code of an HTTP status, for answers that name none.
    public init(status: Int) {
        self =
            switch status {
            case 401, 403: .permissionDenied
            case 404: .notFound
            case 409: .conflict
            case 413: .tooLarge
            case 429, 503: .unavailable
            case 400..<500: .invalidArgument
            default: .internal
            }
    }
}

/// How the command line ends (numbers as in `sysexits.h`).
public enum ExitStatus: Int32, CaseIterable, Sendable {
    /// Done.
    case done = 0
    /// Refused by a rule.
    case refused = 1
    /// Wrong usage.
    case usage = 64
    /// Not found.
    case notFound = 66
    /// The daemon is not reachable.
    case unreachable = 69
    /// Try again.
    case tryAgain = 75
    /// Not permitted.
    case notPermitted = 77
}

/// Why a request was not done, as `application/problem+json` (RFC 9457).
public struct Problem: Error, Hashable, Sendable {
    /// The media type of an answer with a problem.
    public static let mediaType = "application/problem+json"

    /// What kind of no.
    public var code: ErrorCode
    /// The HTTP status; mostly the code's own.
    public var status: Int
    /// The rule that refused, as a scan would name it.
    public var reason: String?
    /// What was wrong and what would be right, for people.
    public var detail: String
    /// The places in the body that are wrong.
    public var errors: [Place]
    /// The HTTP methods that this path knows, if the request's isn't one.
    public var allowed: [String]

    /// A place in a request's body.
    public struct Place: Hashable, Sendable {
        /// The line, from 1; nil if it is not known.
        public var line: Int?
        /// The column, from 1.
        public var column: Int?
        /// Where in the document, such as `products[3].serial`.
        public var path: String?
        /// What is wrong there and what would be right.
        public var message: String

        /// Names a place.
        public init(line: Int? = nil, column: Int? = nil, path: String? = nil, message: String) {
            (self.line, self.column, self.path, self.message) = (line, column, path, message)
        }
    }

    /// A problem with the status of its code.
    public init(
        _ code: ErrorCode, _ detail: String, reason: String? = nil, status: Int? = nil, errors: [Place] = [],
        allowed: [String] = []
    ) {
        (self.code, self.detail, self.reason) = (code, detail, reason)
        (self.status, self.errors, self.allowed) = (status ?? code.status, errors, allowed)
    }

    /// The problem on the wire. What is longer than anybody reads is cut short, whoever made it so long.
    public var json: JSONValue {
        let detail = cut(detail, to: errors.isEmpty ? 4_000 : 30_000)
        return JSONValue(omittingNil: [
            "type": "about:blank", "title": .string(title), "status": .int(status), "code": .string(code.rawValue),
            "reason": reason.map(JSONValue.string), "detail": .string(detail),
            "errors": errors.isEmpty ? nil : .array(errors.map(\.json)),
            "allowed": allowed.isEmpty ? nil : .array(allowed.map(JSONValue.string)),
        ])
    }

    /// Reads the body of an answer with an HTTP status of 400 and above; one that is no problem document becomes one.
    public init(status: Int, body: JSONValue?) {
        self.init(
            body?["code"]?.string.flatMap(ErrorCode.init) ?? ErrorCode(status: status),
            body?["detail"]?.string ?? "the daemon answered with HTTP status \(status) and no reason",
            reason: body?["reason"]?.string, status: status,
            errors: body?["errors"]?.array?.compactMap(Place.init) ?? [],
            allowed: body?["allowed"]?.array?.compactMap(\.string) ?? [])
    }

    private var title: String {
        switch code {
        case .invalidArgument: "Invalid argument"
        case .permissionDenied: "Permission denied"
        case .notFound: "Not found"
        case .conflict: "Conflict"
        case .refused: "Refused"
        case .tooLarge: "Too large"
        case .unavailable: "Unavailable"
        case .internal: "Internal error"
        }
    }
}

extension Problem.Place {
    init?(_ json: JSONValue) {
        guard let message = json["message"]?.string else { return nil }
        self.init(
            line: json["line"]?.int, column: json["column"]?.int, path: json["path"]?.string, message: message)
    }

    var json: JSONValue {
        JSONValue(omittingNil: [
            "line": line.map(JSONValue.int), "column": column.map(JSONValue.int),
            "path": path.map { .string(cut($0, to: 400)) }, "message": .string(cut(message, to: 2_000)),
        ])
    }
}

/// A text in a message, no longer than so many characters.
func cut(_ text: String, to count: Int) -> String {
    // Bytes are counted first, as they are at hand.
    guard text.utf8.count > count, text.unicodeScalars.count > count else { return text }
    return String(text.unicodeScalars.prefix(count)) + "..."
}
