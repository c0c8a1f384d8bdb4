import ControlAPI

/// What an event changed, in a few words: the values that differ, before and after it.
enum Change {
    static let text: @Sendable (JSONValue) -> String = { item in
        let details = item["details"]
        var parts = differences(item["before"], item["after"]) + differences(details?["before"], details?["after"])
        if let change = details?["change"]?.int { parts.append("stock \(change > 0 ? "+" : "")\(change)") }
        if let status = details?["status"]?.string { parts.append("status \(words(status))") }
        if let order = details?["work_order"] { parts += differences(nil, order) }
        parts += (details?["checklist"]?.array ?? []).map { check in
            let note = check["note"].map { " (\($0.plain))" } ?? ""
            let (before, after) = (value("answer", check["before"]), value("answer", check["after"]))
            return "\(check["text"]?.plain ?? "") \(before) -> \(after)\(note)"
        }
        let entries = (details?["changes"]?.array ?? []).map { entry in
            let (kind, name) = (words(entry["kind"]?.string ?? ""), entry["name"]?.plain ?? "")
            let fields = (entry["fields"]?.array ?? []).map { field in
                let key = field["name"]?.string ?? ""
                return "\(words(key)) \(value(key, field["before"])) -> \(value(key, field["after"]))"
            }
            return (name.isEmpty ? kind : "\(kind) \(name)")
                + (fields.isEmpty ? "" : ": " + fields.joined(separator: ", "))
        }
        if !entries.isEmpty { parts.append(entries.joined(separator: "; ")) }
        return parts.joined(separator: "; ")
    }

    /// What says nothing of its own: it follows from the event itself, or from another value.
    private static let silent: Swift.Set = [
        "id", "serial", "product", "created_at", "updated_at", "detected_at", "detected_by", "created_by", "next",
        "repairable_left", "awaiting", "delivery", "worker", "arrived_at", "qc_task",
    ]

    private static func differences(_ before: JSONValue?, _ after: JSONValue?) -> [String] {
        guard let new = after?.object else { return [] }
        guard let old = before?.object else {
            // What is new has no values from before; where it is now says enough.
            return after?["status"] == nil ? [] : [View.place(after ?? .null)]
        }
        // The stage belongs to the status: both are one place.
        let (from, to) = (View.place(.object(old)), View.place(.object(new)))
        var parts = from == to ? [] : ["\(from) -> \(to)"]
        let keys = new.map(\.key) + old.map(\.key).filter { new[$0] == nil }
        for key in keys where !silent.contains(key) && !["status", "stage", "defect_case"].contains(key) {
            guard new[key] != old[key] else { continue }
            parts.append("\(words(key)) \(value(key, old[key])) -> \(value(key, new[key]))")
        }
        return parts
    }

    private static func value(_ key: String, _ value: JSONValue?) -> String {
        switch value {
        case nil, .null?: "none"
        case .array? where key == "types": Defect.List.what(["types": value ?? .null])
        case .array(let values)?: values.allSatisfy { $0.object == nil } ? value?.plain ?? "" : "\(values.count)"
        case let value?: value.plain
        }
    }
}
