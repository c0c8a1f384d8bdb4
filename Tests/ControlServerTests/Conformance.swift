import ControlAPI
import Testing

@testable import ControlServer

/// Every answer in every test is held against what the route's declaration, and so the OpenAPI document, says of it.
func expectAsDeclared(_ answer: Answer, _ method: String, _ target: String) {
    func expect(_ shape: Shape, _ what: String) {
        var places: [Problem.Place] = []
        shape.check(answer.json, &places)
        for place in places {
            Issue.record("\(method) \(target), \(what): \(place.message)\n\(answer.text.prefix(500))")
        }
    }
    if answer.status >= 400 {
        #expect(answer.response.contentType == "application/problem+json", "\(method) \(target)")
        #expect(answer["status"]?.int == answer.status, "\(method) \(target)")
        return expect(.named(.problem), "the problem")
    }
    let path = (try? RequestText.segments(String(target.prefix { $0 != "?" }))) ?? []
    let declared = method == "HEAD" ? "GET" : method
    let route = Control.table.match(path.dropFirst()).first { $0.route.method.rawValue == declared }?.route
    switch route?.output {
    case .json(let shape, let status):
        #expect(answer.status == status && answer.response.contentType == "application/json", "\(method) \(target)")
        expect(shape, "the answer")
    case .file("image/*"):
        #expect(answer.status == 200 && answer.response.contentType.hasPrefix("image/"), "\(method) \(target)")
    case .text(let type), .file(let type):
        #expect(answer.status == 200 && answer.response.contentType == type, "\(method) \(target)")
    case .events: #expect(answer.status == 200 && answer.response.contentType == "text/event-stream")
    case nil: Issue.record("\(method) \(target) was answered without a route: \(answer.text.prefix(200))")
    }
}

@Suite("The OpenAPI document", .serialized)
struct OpenAPITests {
    @Test("holds every route of the table, with its parameters, bodies and answers")
    func complete() throws {
        let document = try JSONValue(json: Control.openAPIBytes)
        #expect(document["openapi"] == "3.1.0")
        var operations: [String: JSONValue] = [:]
        for (path, methods) in document["paths"]?.object ?? [:] {
            for (method, operation) in methods.object ?? [:] {
                operations["\(method.uppercased()) \(path)"] = operation
            }
        }
        #expect(operations.count == Control.table.routes.count)
        for route in Control.table.routes {
            let operation = try #require(operations["\(route.method.rawValue) \(route.template)"])
            let parameters = operation["parameters"]?.array ?? []
            let inQuery = parameters.filter { $0["in"] == "query" }.compactMap { $0["name"]?.string }
            #expect(inQuery == route.query.map(\.name), "\(route.template)")
            let inPath = parameters.filter { $0["in"] == "path" }.compactMap { $0["name"]?.string }
            #expect(inPath.allSatisfy { route.template.contains("{\($0)}") }, "\(route.template)")
            #expect(inPath.count == route.template.count { $0 == "{" }, "\(route.template)")
            let takesKey = parameters.contains { $0["name"] == "Idempotency-Key" }
            #expect(takesKey == route.isChange, "\(route.template)")
            if case .json(let fields, _) = route.input {
                let schema = operation["requestBody"]?["content"]?["application/json"]?["schema"]
                #expect(schema?["properties"]?.object?.map(\.key).sorted() == fields.map(\.name).sorted())
                #expect(schema?["additionalProperties"] == false)
            }
            #expect(operation["responses"]?["default"] != nil && operation["responses"]?.object?.count == 2)
            #expect(!route.verbs.isEmpty)
        }
        let identifiers = operations.values.compactMap { $0["operationId"]?.string }
        #expect(Set(identifiers).count == operations.count)
    }

    @Test("every reference leads to a description, and every description is used")
    func references() {
        let text = String(decoding: Control.openAPIBytes, as: UTF8.self)
        for resource in Resource.allCases {
            #expect(text.contains("#/components/schemas/\(resource.rawValue)\""), "\(resource)")
            #expect(text.contains("\"\(resource.rawValue)\":{"), "\(resource)")
        }
        #expect(!text.contains("\"properties\":{}},") || text.contains("\"required\":[]") == false)
    }

    @Test("a segment of the table's own goes before a parameter, where both know the method")
    func precedence() {
        func template(_ method: String, _ path: String...) -> String? {
            Control.table.match(path[...]).first { $0.route.method.rawValue == method }?.route.template
        }
        #expect(template("POST", "units", "receive") == "/v1/units/receive")
        #expect(template("GET", "units", "receive") == "/v1/units/{serial}")
        #expect(template("GET", "units", "") == nil)
    }
}
