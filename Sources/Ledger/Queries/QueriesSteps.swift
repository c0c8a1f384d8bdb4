import Tracking

/// An event of a unit, as far as reports look at it.
struct Step {
    var at: Int64
    var kind: EventKind
    var unit: String
    var product: String
    var station: String?
    var before: UnitState?
    var after: UnitState?
    var undoes: Int64?
    var previous: Int64?

    static let columns: SQL = """
        event.at, event.kind, event.unit, event.product, event.station, event.before, event.after, event.undoes,
        event.previous
        """

    /// Reads an event from a row of `columns`.
    init(row: Statement) throws {
        guard let kind = EventKind(rawValue: row.text(1)) else { throw damagedRow("event") }
        (at, self.kind, unit, product) = (row.int(0), kind, row.text(2), row.text(3))
        station = row.optionalText(4)
        (before, after) = (row.optionalText(5).flatMap(UnitState.init), row.optionalText(6).flatMap(UnitState.init))
        undoes = row.isNull(7) ? nil : row.int(7)
        previous = row.isNull(8) ? nil : row.int(8)
    }
}

extension Connection {
    /// Goes through the events of some kinds in a period, of units of the caller's teams: each with 1, and again with
    /// -1 where it was taken back, even if that was after the period.
    func forEachStep(
        _ period: Period, _ kinds: Set<EventKind>, for access: Access, in plant: Plant,
        _ body: (Step, Int) throws -> Void
    ) throws {
        if case .own = access.scope { return }
        let range = try eventNumbers(from: period.from, to: period.to + Int64(plant.settings.undoWithin))
        let walk = Walk(
            key: "id", sources: ["event WHERE TRUE"], rows: "event ON event.id = walk.key",
            condition: [
                // A unit's team never changes, so a step and its undo are both seen, or neither is.
                access.seesTeam("event.team", in: plant),
                "event.kind IN \((kinds.map(\.rawValue) + [EventKind.unitUndone.rawValue]).sorted())",
            ].all, range: range)
        _ = try forEachWindow(walk) { window in
            let steps = try select("\(walk.select(Step.columns, window)) ORDER BY walk.key", Step.init(row:))
            for step in steps {
                if kinds.contains(step.kind) {
                    if period.contains(step.at) { try body(step, 1) }
                } else if let undone = try stepTakenBack(by: step), kinds.contains(undone.kind),
                    period.contains(undone.at)
                {
                    try body(undone, -1)
                }
            }
            return true
        }
    }

    /// The first event of the step that an undo took back: rework and scrap at a bench are two events.
    private func stepTakenBack(by undo: Step) throws -> Step? {
        func step(_ id: Int64?) throws -> Step? {
            try id.flatMap { try first("SELECT \(Step.columns) FROM event WHERE event.id = \($0)", Step.init(row:)) }
        }
        guard let last = try step(undo.undoes) else { return nil }
        return last.kind == .unitReworked || last.kind == .unitWrittenOff ? try step(last.previous) : last
    }
}
