import Barcodes
import ControlAPI

/// Reads what stands in a request: its path, its query, its body.
enum RequestText {
    /// The segments of a path, each percent-decoded by itself, so that `%2F` stays within its segment.
    static func segments(_ path: String) throws(Problem) -> [String] {
        var segments: [String] = []
        for segment in path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            segments.append(try decoded(segment, plusIsSpace: false))
        }
        return path.utf8.first == UInt8(ascii: "/") ? segments : []
    }

    /// The pairs of a query.
    static func pairs(_ query: String) throws(Problem) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for pair in query.utf8.split(separator: UInt8(ascii: "&")) {
            let end = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            let name = try decoded(pair[..<end], plusIsSpace: true)
            pairs.append((name, try decoded(pair[end...].dropFirst(), plusIsSpace: true)))
        }
        return pairs
    }

    private static func decoded(_ text: Substring.UTF8View, plusIsSpace: Bool) throws(Problem) -> String {
        let plain = text.allSatisfy { byte in
            byte != UInt8(ascii: "%") && byte < 0x80 && !(plusIsSpace && byte == UInt8(ascii: "+"))
        }
        if plain { return String(Substring(text)) }
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                let digits = rest.prefix(2)
                guard digits.count == 2, digits.allSatisfy(isHexadecimal),
                    let value = UInt8(String(Substring(digits)), radix: 16)
                else {
                    throw Problem(
                        .invalidArgument, "cannot read the address: a % must be followed by two hexadecimal digits")
                }
                bytes.append(value)
                rest = rest.dropFirst(2)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(0x20)
            default: bytes.append(byte)
            }
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw Problem(.invalidArgument, "cannot read the address: it must be UTF-8, percent-encoded")
        }
        return decoded
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "0") < 10 || (byte | 0x20) &- UInt8(ascii: "a") < 6
    }

    /// A body of JSON with these keys; an empty body is an object without keys.
    static func object(_ body: [UInt8], _ shape: Shape) throws(Problem) -> JSONObject {
        var value: JSONValue = [:]
        if !body.isEmpty {
            do {
                value = try JSONValue(json: body)
            } catch {
                throw Problem(
                    .invalidArgument, "cannot read the body as JSON: \(error.description)",
                    errors: [.init(line: error.line, column: error.column, message: error.message)])
            }
        }
        var places: [Problem.Place] = []
        let read = shape.check(value, &places)
        if !places.isEmpty {
            throw Problem(.invalidArgument, places.map(\.message).joined(separator: "; "), errors: places)
        }
        return read.object ?? [:]
    }

    /// A body of text.
    static func text(_ body: [UInt8]) throws(Problem) -> String {
        guard let text = String(validating: body, as: UTF8.self) else {
            throw Problem(.invalidArgument, "cannot read the body: it must be UTF-8")
        }
        return text
    }
}

extension Route {
    /// The parameters of a query, each known, once, and of its shape. The order of a list is always among them.
    func query(in text: String) throws(Problem) -> [String: JSONValue] {
        if query.isEmpty, text.isEmpty { return [:] }
        var values: [String: JSONValue] = [:]
        for (name, text) in try RequestText.pairs(text) {
            guard let parameter = query.first(where: { $0.name == name }) else {
                let known = query.map(\.name).joined(separator: ", ")
                throw Problem(
                    .invalidArgument,
                    "unknown query parameter \(name.shown); "
                        + (known.isEmpty ? "this takes none" : "expected one of \(known)"))
            }
            guard values[name] == nil else {
                throw Problem(.invalidArgument, "the query parameter \(name.shown) stands twice; give it once")
            }
            var places: [Problem.Place] = []
            let value = parameter.shape.check(parameter.shape.value(of: text), at: name, &places)
            if let place = places.first {
                // A script whose variable is empty asks for something else than it means.
                let advice = text.isEmpty ? "; leave the parameter out to ask for everything" : ""
                throw Problem(.invalidArgument, place.message + advice, errors: places)
            }
            values[name] = value
        }
        if values["order"] == nil, case .choice(let orders)? = query.first(where: { $0.name == "order" })?.shape {
            values["order"] = orders.first.map(JSONValue.string)
        }
        return values
    }
}

extension Shape {
    /// Text of a query as a value of this shape, or as it is where it fits none.
    fileprivate func value(of text: String) -> JSONValue {
        switch self {
        case .integer: Int(text).map(JSONValue.int) ?? .string(text)
        case .flag: text == "true" ? true : text == "false" ? false : .string(text)
        default: .string(text)
        }
    }
}
