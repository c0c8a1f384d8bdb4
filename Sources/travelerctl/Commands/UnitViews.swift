import ArgumentParser
import ControlAPI

extension View {
    static let unit = View.fields([
        Column("Serial", "serial"), Column("Product", "product"), Column("Status", "status", .status),
        Column("Stage", "stage"), Column("On hold", "on_hold", .flag), Column("Next", "next"),
        Column("Iteration", "iteration"), Column("Work order", "work_order"), Column("Team", "team"),
        Column("Assigned to", "assignee"), Column("Last worker", "worker"), Column("Routing", "routing"),
        Column("Supplier", "supplier"), Column("Cost", "cost", .money), Column("Delivery", "delivery"),
        Column("Customer's order", "order"),
        Column("Location", "location"),
        Column("Failed at", "failed_stage"), Column("Defect case", "defect_case"), Column("Replaces", "replaces"),
        Column("Replaced by", "replaced_by"),
        Column("Written off as", "write_off_reason", shown: { words($0["write_off_reason"]?.string ?? "") }),
        Column("Registered", "created_at", .time), Column("Changed", "updated_at", .time),
    ])

    /// Where a unit is after a change.
    static let unitNow = View.sentence { unit in
        let hold = unit["on_hold"]?.bool == true ? ", on hold" : ""
        let back = unit["status"]?.string == "in_production" ? unit["iteration"]?.int ?? 0 : 0
        return "\(unit["serial"]?.plain ?? "The unit") is \(place(unit))\(hold)"
            + (back > 0 ? " (sent back \(count(back, "time")))." : ".")
    }

    /// What was made of several serials: each of a few, the first and the last of many.
    static func units(_ done: String, _ listing: Listing) -> View {
        View { answer, screen in
            let items = answer["items"]?.array ?? []
            if listing.csv {
                let columns = Unit.List.table.columns
                let rows = [CSV.header(columns)] + items.map { CSV.row($0, columns, isShown: screen.height != nil) }
                // A line's feed is put between them when they are written.
                return rows.map { String($0.unicodeScalars.dropLast()) }
            }
            let counted = "\(count(items.count, "unit")) \(done)"
            guard listing.verbose || items.count <= 20 else {
                let ends = [items.first, items.last].compactMap { $0?["serial"]?.plain }.joined(separator: " to ")
                return ["\(counted): \(ends). --verbose lists them."]
            }
            return items.map { "\($0["serial"]?.plain ?? "?")  \(place($0))" } + ["\(counted)."]
        }
    }

    /// How what was made of many serials is listed.
    struct Listing: ParsableArguments {
        @Flag(help: "List every unit, however many.") var verbose = false
        @Flag(help: "Print them as CSV (RFC 4180).") var csv = false
    }

    /// `in production at testing`, `in stock`.
    static func place(_ state: JSONValue) -> String {
        let status = words(state["status"]?.string ?? "unknown")
        if let found = state["defect_case"] { return "\(status), case \(found.plain)" }
        return state["stage"]?.string.map { "\(status) at \(visible($0))" } ?? status
    }

    // MARK: History

    /// A unit's history: a line for each event under its day, notes below it.
    static func timeline(of serial: String) -> View {
        View { answer, screen in
            let items = answer["items"]?.array ?? []
            guard !items.isEmpty else { return ["Nothing is recorded about \(visible(serial))."] }
            let steps = items.map { item in
                (
                    kind: words(item["kind"]?.string ?? ""),
                    change: (change(item, screen) + [takenBack(item, items)].compactMap { $0 }).joined(separator: ", "),
                    who: who(item)
                )
            }
            let kindWidth = steps.map { displayWidth($0.kind) }.max() ?? 0
            let widest = steps.map { displayWidth($0.change) }.max() ?? 0
            let whoWidth = steps.map { displayWidth($0.who) }.max() ?? 0
            // Beside the time and the kind. Who did it has a column where the change keeps enough room for its words.
            let room = screen.width.map { max(20, $0 - 15 - kindWidth) } ?? widest + 2 + whoWidth
            let hasColumn = room - 2 - whoWidth >= min(widest, 24)
            let changeWidth = min(widest, hasColumn ? room - 2 - whoWidth : room)
            let indent = String(repeating: " ", count: 15 + kindWidth)
            var lines = [screen.paint(visible(serial), .bold)]
            var day = ""
            for (item, step) in zip(items, steps) {
                let at = item["at"]?.string ?? ""
                if LocalTime.day(at) != day {
                    day = LocalTime.day(at)
                    lines.append(screen.paint(day, .faint))
                }
                let mark = screen.paint(screen.glyph("●", "*"), paint(item))
                var change = wrapped(step.change, changeWidth)
                if hasColumn {
                    change[0] = fitted(change[0], max(changeWidth, displayWidth(change[0]))) + "  " + step.who
                } else if displayWidth(step.change) + 2 + displayWidth(step.who) <= room {
                    change[0] += "  " + step.who
                } else {
                    change.append(step.who)
                }
                lines.append(
                    trimmed("  \(LocalTime.clock(at)) \(mark) \(fitted(step.kind, kindWidth))  \(change[0])"))
                lines += change.dropFirst().map { indent + $0 }
                if let note = item["note"]?.string, !note.isEmpty {
                    lines += wrapped(visible(note), screen.width.map { max(20, $0 - 13) }).map {
                        "             " + screen.paint($0, .faint)
                    }
                }
            }
            return lines
        }
    }

    private static func who(_ item: JSONValue) -> String {
        [item["actor"]?.plain, item["station"].map { "at \($0.plain)" }].compactMap { $0 }.joined(separator: " ")
    }

    private static func paint(_ item: JSONValue) -> Paint? {
        switch item["kind"]?.string?.split(separator: ".").last {
        case "passed", "registered", "received", "released": .green
        case "failed", "defect", "written_off": .red
        case "held", "undone", "reworked": .amber
        default: nil
        }
    }

    /// What an undo took back: the step and its time where it is among those that are shown, else its number.
    private static func takenBack(_ item: JSONValue, _ items: [JSONValue]) -> String? {
        guard let number = item["undoes"] else { return nil }
        guard let step = items.first(where: { $0["event"] == number }), let at = step["at"]?.string else {
            return "takes back event \(number.plain)"
        }
        let isSameDay = LocalTime.day(at) == LocalTime.day(item["at"]?.string ?? "")
        return "takes back \(words(step["kind"]?.string ?? "")) of "
            + (isSameDay ? LocalTime.clock(at) : LocalTime.text(at, seconds: true))
    }

    /// What an event changed, in a few words.
    private static func change(_ item: JSONValue, _ screen: Screen) -> [String] {
        let (before, after) = (item["before"], item["after"])
        func state(_ value: JSONValue?) -> String? {
            value.map { value in
                value["stage"]?.plain ?? words(value["status"]?.string ?? "")
            }
        }
        var parts: [String] = []
        switch (state(before), state(after)) {
        case (let from?, let to?) where from != to: parts.append("\(from) \(screen.glyph("→", "->")) \(to)")
        case (nil, let to?): parts.append(to)
        default: break
        }
        let hold = (before?["on_hold"]?.bool ?? false, after?["on_hold"]?.bool ?? false)
        if hold.0 != hold.1, after != nil { parts.append(hold.1 ? "on hold" : "off hold") }
        if let after, before != nil, before?["assignee"] != after["assignee"] {
            parts.append("for \(after["assignee"]?.plain ?? "nobody")")
        }
        if let back = after?["iteration"]?.int, back != before?["iteration"]?.int ?? 0 {
            parts.append("iteration \(back)")
        }
        if state(after) == "defect", state(before) != "defect", let found = item["defect"] {
            parts.append("case \(found.plain)")
        }
        parts += ["type", "reason"].compactMap { item[$0]?.plain }.map { words($0) }
        if let price = item["price"] { parts.append("for \(price.plain)") }
        if before == nil, let order = item["work_order"] { parts.append("work order \(order.plain)") }
        if let order = item["order"] {
            parts.append("order \(order.plain)" + (item["customer"].map { " of \($0.plain)" } ?? ""))
        }
        if let place = item["location"] { parts.append("put at \(place.plain)") }
        return parts
    }
}
