import ControlAPI

/// One call of the control interface: what a command's arguments become.
struct Request: Equatable, Sendable {
    enum Method: String { case GET, POST, PUT, PATCH, DELETE }

    enum Body: Equatable {
        case json(JSONValue)
        /// The path of a YAML file, or `-` for the standard input; read when the request is sent.
        case yaml(file: String)
        /// What was read already.
        case content([UInt8], type: String)
        /// The path of any other file, or `-` for the standard input; read when the request is sent.
        case file(String)
    }

    struct Parameter: Equatable {
        var name: String
        var value: String
    }

    var method: Method
    /// The path below `/v1`, by its parts as they are meant, not yet escaped.
    var path: [String]
    var query: [Parameter] = []
    var body: Body?
    /// How many seconds the daemon may take to answer.
    var patience = 30

    /// A question; parameters without a value are left out.
    static func get(_ path: String..., query: KeyValuePairs<String, String?> = [:], patience: Int = 30) -> Request {
        let parameters = query.compactMap { pair in pair.value.map { Parameter(name: pair.key, value: $0) } }
        return Request(method: .GET, path: path, query: parameters, patience: patience)
    }

    /// A change; keys without a value are left out.
    static func post(_ path: String..., body: KeyValuePairs<String, JSONValue?> = [:], patience: Int = 30) -> Request {
        Request(method: .POST, path: path, body: .json(JSONValue(omittingNil: body)), patience: patience)
    }

    /// A change of some of a resource's values.
    static func patch(_ path: String..., body: KeyValuePairs<String, JSONValue?>) -> Request {
        Request(method: .PATCH, path: path, body: .json(JSONValue(omittingNil: body)))
    }

    /// What stands in the request line, with everything escaped that isn't unreserved (RFC 3986).
    var target: String {
        let path = "/v1/" + path.map(Self.escaped).joined(separator: "/")
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { "\($0.name)=\(Self.escaped($0.value))" }.joined(separator: "&")
    }

    private static func escaped(_ text: String) -> String {
        // A part of only dots would be taken for a step in the path.
        let isDots = text == "." || text == ".."
        var result = ""
        for byte in text.utf8 {
            let scalar = Unicode.Scalar(byte)
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "-", "_", "~": result.unicodeScalars.append(scalar)
            case "." where !isDots: result.unicodeScalars.append(scalar)
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                result += hex.count == 1 ? "%0" + hex : "%" + hex
            }
        }
        return result
    }

    /// A new key by which the daemon knows a repeated change: 128 random bits.
    static func newKey() -> String {
        let bits = UInt128.random(in: 0...UInt128.max)
        let hex = String(bits, radix: 16)
        return String(repeating: "0", count: 32 - hex.count) + hex
    }
}

extension JSONValue {
    /// A text, or nil for nil.
    static func text(_ text: String?) -> JSONValue? { text.map(JSONValue.string) }

    /// A text that clears the value if it is empty, or nil for nil.
    static func clearing(_ text: String?) -> JSONValue? { text.map { $0.isEmpty ? .null : .string($0) } }

    /// A list of texts; nil for an empty one.
    static func texts(_ texts: [String]) -> JSONValue? {
        texts.isEmpty ? nil : .array(texts.map(JSONValue.string))
    }
}
