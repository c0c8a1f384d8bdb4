import ControlAPI
import Tracking

extension Control {
    /// The OpenAPI 3.1 document of all routes, made once from their table.
    static let openAPIBytes = openAPI.jsonBytes

    static var openAPI: JSONValue {
        var paths = JSONObject()
        for route in table.routes {
            var methods = paths[route.template]?.object ?? [:]
            methods[route.method.rawValue.lowercased()] = route.operation
            paths[route.template] = .object(methods)
        }
        let schemas = Resource.allCases.map { (key: $0.rawValue, value: Optional($0.shape.schema)) }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "traveler", "version": "1",
                "description": """
                The control interface of travelerd, over its Unix socket. Callers are known by the credentials of \
                their process. Times are RFC 3339 in UTC with milliseconds; amounts are in the plant's currency; \
                what lies outside a caller's scope answers as if it did not exist.
                """,
            ],
            "servers": [["url": "http://localhost", "description": "Over the socket /run/traveler/control.sock."]],
            "paths": .object(paths), "components": ["schemas": .object(JSONObject(omittingNil: schemas))],
        ]
    }
}

extension Route {
    fileprivate var operation: JSONValue {
        var parameters = segments.compactMap { segment -> JSONValue? in
            guard case .parameter(let name) = segment else { return nil }
            return ["name": .string(name), "in": "path", "required": true, "schema": parameter(name).schema]
        }
        parameters += query.map {
            ["name": .string($0.name), "in": "query", "description": .string($0.summary), "schema": $0.shape.schema]
        }
        if isChange {
            parameters.append([
                "name": "Idempotency-Key", "in": "header", "schema": Shape.form(.idempotencyKey).schema,
                "description": "The same key again, within 24 hours, gets the stored answer and does nothing.",
            ])
        }
        if case .events(_, resumes: true) = output {
            parameters.append([
                "name": "Last-Event-ID", "in": "header", "schema": Shape.id.schema,
                "description": "Go on behind this event.",
            ])
        }
        return JSONValue(omittingNil: [
            "operationId": .string(operationID), "summary": .string(summary), "tags": [.string(noun)],
            "parameters": parameters.isEmpty ? nil : .array(parameters), "requestBody": requestBody,
            "responses": responses, "x-verbs": .array(verbs.map { .string($0.rawValue) }),
        ])
    }

    private var noun: String {
        if case .literal(let noun)? = segments.first { noun } else { "" }
    }

    /// Such as `post-units-hold`.
    private var operationID: String {
        let words = segments.map { segment in
            switch segment {
            case .literal(let word): word.replacing(".", with: "-")
            case .parameter(let name): "by-\(name)"
            }
        }
        return ([method.rawValue.lowercased()] + words).joined(separator: "-")
    }

    private var requestBody: JSONValue? {
        switch input {
        case .none: nil
        case .json(let properties, let needs):
            [
                "required": .bool(properties.contains { !$0.isOptional } || !needs.isEmpty),
                "content": ["application/json": ["schema": Shape.object(properties, needs: needs).schema]],
            ]
        case .yaml:
            // Its own reader says more; what is meant here is what the YAML holds.
            ["required": true, "content": ["application/yaml": ["schema": ["type": "object"]]]]
        case .bytes(let types, let limit):
            [
                "required": true,
                "content": .object(
                    JSONObject(
                        omittingNil: types.map {
                            (
                                key: $0,
                                value: [
                                    "schema": [
                                        "type": "string", "format": "binary", "minLength": 1, "maxLength": .int(limit),
                                    ]
                                ]
                            )
                        })),
            ]
        }
    }

    private var responses: JSONValue {
        func response(_ mediaType: String, _ schema: JSONValue) -> JSONValue {
            ["description": "Done.", "content": .object([mediaType: ["schema": schema]])]
        }
        let (status, good) =
            switch output {
            case .json(let shape, let status): (status, response("application/json", shape.schema))
            case .text(let type): (200, response(type, ["type": type.hasSuffix("yaml") ? "object" : "string"]))
            case .events(let shape, _): (200, response("text/event-stream", shape.schema))
            case .file(let type): (200, response(type, ["type": "string", "format": "binary"]))
            }
        let problem: JSONValue = [
            "description": "Not done, and why.",
            "content": .object([Problem.mediaType: ["schema": Shape.named(.problem).schema]]),
        ]
        return .object([String(status): good, "default": problem])
    }
}

extension Shape {
    /// As JSON Schema.
    var schema: JSONValue {
        switch self {
        case .text(let limit): ["type": "string", "maxLength": .int(limit)]
        case .form(let form):
            JSONValue(omittingNil: [
                "type": "string", "minLength": .int(form.length.lowerBound), "maxLength": .int(form.length.upperBound),
                "pattern": form.pattern.map(JSONValue.string),
            ])
        case .time: ["type": "string", "format": "date-time"]
        case .day: ["type": "string", "format": "date"]
        case .moment: ["type": "string", "anyOf": [["format": "date-time"], ["format": "date"]]]
        case .integer(let range, let isNonzero):
            JSONValue(omittingNil: [
                "type": "integer", "minimum": .int(range.lowerBound), "maximum": .int(range.upperBound),
                "not": isNonzero ? ["const": 0] : nil,
            ])
        case .number: ["type": "number"]
        case .money:
            ["type": "number", "minimum": 0, "maximum": .int(Limits.amount), "multipleOf": .double(0.0001)]
        case .flag: ["type": "boolean"]
        case .confirmation: ["type": "boolean", "const": true]
        case .word(let words, let spellings):
            // The words themselves first, then how else they can be spelt.
            [
                "type": "string",
                "enum": .array(
                    (words + spellings.keys.filter { !words.contains($0) }.sorted()).map(JSONValue.string)),
            ]
        case .choice(let words): ["type": "string", "enum": .array(words.map(JSONValue.string))]
        case .list(let shape, let count, let isUnique):
            JSONValue(omittingNil: [
                "type": "array", "items": shape.schema, "minItems": count.lowerBound > 0 ? .int(count.lowerBound) : nil,
                "maxItems": count.upperBound < .max ? .int(count.upperBound) : nil,
                "uniqueItems": isUnique ? true : nil,
            ])
        case .object(let properties, let needs):
            JSONValue(omittingNil: [
                "type": "object", "additionalProperties": false,
                "properties": .object(
                    JSONObject(omittingNil: properties.map { (key: $0.name, value: Optional($0.schema)) })),
                "required": properties.allSatisfy(\.isOptional)
                    ? nil : .array(properties.filter { !$0.isOptional }.map { .string($0.name) }),
                "allOf": needs.isEmpty ? nil : .array(needs.map { $0.schema(properties) }),
            ])
        case .map(let shape): ["type": "object", "additionalProperties": shape.schema]
        case .nullable(let shape): ["anyOf": [shape.schema, ["type": "null"]]]
        case .named(let resource): ["$ref": .string("#/components/schemas/\(resource.rawValue)")]
        case .anything: ["type": "object"]
        }
    }
}

extension Need {
    /// As JSON Schema, of an object with these keys.
    fileprivate func schema(_ properties: [Property]) -> JSONValue {
        func required(_ keys: [String]) -> JSONValue { .array(keys.map(JSONValue.string)) }
        func none(_ keys: some Sequence<String>) -> JSONValue {
            .object(JSONObject(omittingNil: keys.sorted().map { (key: $0, value: false) }))
        }
        /// The field says so, in whatever spelling.
        func says(_ field: String, _ value: String) -> JSONValue {
            var spellings = [value]
            if case .word(_, let known)? = properties.first(where: { $0.name == field })?.shape {
                spellings = known.filter { $0.value == value }.map(\.key).sorted()
            }
            var said = JSONObject()
            said[field] = ["enum": .array(spellings.map(JSONValue.string))]
            return ["properties": .object(said), "required": required([field])]
        }
        switch self {
        case .oneOf(let groups):
            let all = Set(groups.joined())
            return [
                "oneOf": .array(
                    groups.map { ["required": required($0), "properties": none(all.subtracting($0))] })
            ]
        case .anyOf(let keys): return ["anyOf": .array(keys.map { ["required": required([$0])] })]
        case .when(let key, let field, let value, let isOnly):
            return JSONValue(omittingNil: [
                "if": says(field, value), "then": ["required": required([key])],
                "else": isOnly ? ["properties": none([key])] : nil,
            ])
        case .only(let key, let field, let value):
            return ["if": ["required": required([key])], "then": says(field, value)]
        case .never(let key, let value, let field, let other):
            return ["not": ["allOf": [says(key, value), says(field, other)]]]
        case .single(let key, let field):
            var list = JSONObject()
            list[key] = ["maxItems": 1]
            return ["if": ["required": required([field])], "then": ["properties": .object(list)]]
        }
    }
}

extension Property {
    fileprivate var schema: JSONValue {
        guard !summary.isEmpty, case .object(var object) = shape.schema else { return shape.schema }
        object["description"] = .string(summary)
        return .object(object)
    }
}
