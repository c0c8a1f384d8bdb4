import ControlAPI
import Ledger
import Tracking

/// One entry of the table of routes: what it is, what it takes to use it, what comes in, what goes out, and who does it.
///
/// Dispatch and the OpenAPI document both follow from this declaration; a handler sees only what passed its checks.
struct Route: Sendable {
    /// The methods in use.
    enum Method: String, Sendable { case get = "GET", put = "PUT", post = "POST", patch = "PATCH", delete = "DELETE" }

    /// A part of a path between slashes.
    enum Segment: Sendable, Equatable {
        case literal(String)
        case parameter(String)
    }

    /// What a request brings along.
    enum Input: Sendable {
        case none
        case json([Property], needs: [Need] = [])
        case yaml
        /// A file of one of these media types, of at most so many bytes.
        case bytes([String], limit: Int)
    }

    /// What a good answer is.
    enum Output: Sendable {
        case json(Shape, status: Int = 200)
        case text(String)
        /// A stream, which goes on behind the event that `Last-Event-ID` names if it `resumes`.
        case events(Shape, resumes: Bool)
        case file(String)
    }

    /// A parameter of the query.
    struct Parameter: Sendable {
        let name: String
        let shape: Shape
        let summary: String

        init(_ name: String, _ shape: Shape, _ summary: String) {
            (self.name, self.shape, self.summary) = (name, shape, summary)
        }
    }

    let method: Method
    let template: String
    let segments: [Segment]
    let summary: String
    /// The rights of which the caller needs one.
    let verbs: [Verb]
    let query: [Parameter]
    let input: Input
    let output: Output
    /// Whether a request here changes something, so that it takes an `Idempotency-Key`.
    let isChange: Bool
    let handler: @Sendable (Call) async throws -> ControlResponse

    /// - Parameter template: path under `/v1`, such as `/units/{serial}/hold`.
    init(
        _ method: Method, _ template: String, _ summary: String, _ verbs: Verb..., query: [Parameter] = [],
        input: Input = .none, output: Output, isChange: Bool? = nil,
        _ handler: @escaping @Sendable (Call) async throws -> ControlResponse
    ) {
        self.method = method
        self.template = "/v1" + template
        segments = template.split(separator: "/").map { segment in
            segment.hasPrefix("{") ? .parameter(String(segment.dropFirst().dropLast())) : .literal(String(segment))
        }
        (self.summary, self.verbs, self.query) = (summary, verbs, query)
        (self.input, self.output, self.isChange) = (input, output, isChange ?? (method != .get))
        self.handler = handler
    }

    /// What stands in a place of the path. What does not look like it names nothing, and is not found.
    func parameter(_ name: String) -> Shape {
        switch (name, segments.first) {
        case ("serial", _): .serial
        case ("number", _): .orderNumber
        case ("login", _): .login
        case ("code", _): .code
        case ("station", _), ("name", .literal("stations")?): .station
        case ("name", _): .line
        case ("device", _): .form(.device)
        default: .id
        }
    }

    /// How urgent what it reads is: changes, and what a scan or a look at one thing needs, wait for no list.
    var pace: Pace {
        if method != .get { return isChange ? .lookup : .list }
        switch template {
        case "/v1/events": return .replay
        case "/v1/status", "/v1/whoami", "/v1/units/{serial}", "/v1/units/{serial}/label", "/v1/work-orders/{number}",
            "/v1/stations/{name}", "/v1/stations/{name}/watch", "/v1/labels/{id}":
            return .lookup
        default: return template.hasPrefix("/v1/reports/") ? .report : .list
        }
    }

    /// The most bytes that a body may have.
    var bodyLimit: Int { if case .bytes(_, let limit) = input { limit } else { ControlRequest.bodyLimit } }

    /// Parameters of every list.
    ///
    /// - Parameter orders: keys to sort by, the default first; none where a filter of the name `order` takes its place.
    static func list(_ orders: [String], _ filters: [Parameter]) -> [Parameter] {
        var parameters = filters
        if let first = orders.first {
            parameters.append(
                Parameter("order", .choice(orders), "The key to sort by, `-` for descending; `\(first)` if not given."))
        }
        return parameters + [
            Parameter("limit", .integer(1...1_000), "At most this many items; 100 if not given."),
            Parameter("cursor", .form(.cursor), "The `next_cursor` of the page before."),
            Parameter("total", .flag, "Also count all items."),
        ]
    }
}

/// Every route there is, found by path.
struct RouteTable: Sendable {
    let routes: [Route]
    /// Routes by their first segment, which is never a parameter.
    private let byNoun: [String: [Route]]

    init(_ routes: [Route]) {
        self.routes = routes
        byNoun = Dictionary(grouping: routes) { route in
            if case .literal(let noun)? = route.segments.first { noun } else { "" }
        }
    }

    /// Finds the routes of a path's decoded segments (without `v1`), with the values of their parameters. One with more
    /// of the path's own words goes before one that takes them for a parameter.
    func match(_ path: ArraySlice<String>) -> [(route: Route, parameters: [String: String])] {
        guard let noun = path.first, let candidates = byNoun[noun] else { return [] }
        var matches: [(route: Route, parameters: [String: String])] = []
        for route in candidates where route.segments.count == path.count {
            var parameters: [String: String] = [:]
            let fits = zip(route.segments, path).allSatisfy { segment, text in
                switch segment {
                case .literal(let word): return word == text
                case .parameter(let name):
                    parameters[name] = text
                    return !text.isEmpty
                }
            }
            if fits { matches.append((route, parameters)) }
        }
        if matches.count > 1 { matches.sort { $0.parameters.count < $1.parameters.count } }
        return matches
    }
}
