// Pass, fail and what else happens to a unit at the stages of its routing.

extension Interlock {
    /// The stage that `unit` can take here now: its next one, or one behind optional ones.
    func stageHere(_ unit: Unit, in state: State) throws(Stop) -> Stage {
        try require(.inProduction, unit)
        try requireFree(unit)
        guard let stage = stagePerformedHere(unit, in: state) else {
            let next = unit.state.stage ?? "-"
            throw Stop(
                reason: .wrongStage, message: "\(unit.serial) is not due here. Take it to \(next).",
                serial: unit.serial, next: next)
        }
        try checkConditions(of: stage, unit)
        return stage
    }

    private func stagePerformedHere(_ unit: Unit, in state: State) -> Stage? {
        guard let stages = state.plant.stages(unit.state.routing),
            let current = stages.firstIndex(where: { $0.name == unit.state.stage })
        else { return nil }
        for stage in stages[current...] {
            if station.stages.contains(stage.name) { return stage }
            if !stage.optional { return nil }
        }
        return nil
    }

    private func checkConditions(of stage: Stage, _ unit: Unit) throws(Stop) {
        func refuse(_ reason: Reason, _ message: String) -> Stop {
            Stop(reason: reason, message: message, serial: unit.serial, next: unit.state.next)
        }
        if stage.verdictRequired, station.mode == .pass {
            throw refuse(
                .wrongStage, "\(unit.serial) needs a verdict for \(stage.name). Take it to a station that gives one.")
        }
        if let since = stage.minSince, let passed = unit.state.passedAt(since.stage) {
            let wait = Int64(since.time) - moment.age(of: Moment(wall: passed))
            if wait > 0 {
                throw refuse(
                    .tooSoon,
                    "\(unit.serial) must wait \(duration(wait)) more after \(since.stage) before \(stage.name).")
            }
        }
        if let since = stage.maxSince, let passed = unit.state.passedAt(since.stage) {
            // A clock that was set back doesn't make anything younger.
            let age = moment.age(of: Moment(wall: passed))
            if age < 0 {
                throw refuse(
                    .tooLate,
                    "\(unit.serial) passed \(since.stage) at a time that is still to come: the clock was set back. Ask your team lead."
                )
            }
            let late = age - Int64(since.time)
            if late > 0 {
                throw refuse(
                    .tooLate,
                    "\(unit.serial) is \(duration(late)) too late after \(since.stage) for \(stage.name). Ask your team lead."
                )
            }
        }
        if let limit = stage.maxIterations, unit.state.iteration > limit {
            throw refuse(
                .iterationLimit,
                "\(unit.serial) was sent back \(unit.state.iteration) times; \(stage.name) allows \(limit). Ask your team lead."
            )
        }
    }

    /// Passes a stage: on to the next one, or into stock after the last.
    mutating func perform(_ stage: Stage, on unit: Unit, in state: State) -> String {
        var after = unit.state
        after.passed.removeAll { $0.stage == stage.name }
        after.passed.append(UnitState.Passage(stage: stage.name, at: at))
        let stages = state.plant.stages(unit.state.routing) ?? []
        let index = stages.firstIndex { $0.name == stage.name } ?? stages.endIndex - 1
        if index + 1 < stages.endIndex {
            after.stage = stages[index + 1].name
        } else {
            (after.status, after.stage, after.wasInStock) = (.inStock, nil, true)
        }
        take(step(.unitPassed, unit, to: after), unit)
        let next = after.stage.map { "Next: \($0)." } ?? "It is in stock."
        return "\(unit.serial) passed \(stage.name). \(next)"
    }

    /// Records a step of one unit, as one that can be undone here.
    private mutating func take(_ event: Event, _ unit: Unit, opened: DefectCase? = nil) {
        record(event)
        if let opened {
            var opening = Event.defect(.defectOpened, nil, opened)
            opening.unit = unit.serial
            record(opening)
        }
        (serial, session.lastSerial) = (unit.serial, unit.serial)
        session.step = Session.Step(
            event: 0, at: moment, effect: .unit(serial: unit.serial, before: unit.state, opened: opened?.id))
    }

    /// The case that is opened behind so many events about the unit on the bench.
    private func newCase(_ unit: Unit, _ type: String?, behind events: Int, in state: State) -> DefectCase {
        let report = DefectReport(
            findings: type.map { [.init(type: $0, quantity: 1)] } ?? [], location: station.name, note: nil)
        return state.newCase(
            String(numberOfNextEvent(state) + Int64(events)), [unit], report, at, by: person?.login)
    }

    // MARK: The bench

    /// The unit on the bench; one that moved on elsewhere has left it.
    func unitOnBench(_ state: inout State) throws(Stop) -> Unit? {
        guard let serial = session.bench, let unit = state.unit(serial), unit.state.status == .inProduction,
            stagePerformedHere(unit, in: state) != nil
        else { return nil }
        return unit
    }

    /// Puts a unit on the bench. One on hold is let there only for a person who may release it.
    mutating func putOnBench(_ unit: Unit, in state: State) throws(Stop) -> String {
        var free = unit
        if unit.state.status == .inProduction, unit.state.onHold, person?.may(.hold) == true {
            warning = Reason.onHold.rawValue
            free.state.onHold = false
        }
        let stage = try stageHere(free, in: state)
        session.bench = unit.serial
        return warning == nil
            ? "\(unit.serial) is on the bench for \(stage.name). Scan TRV:PASS or TRV:FAIL:<type>."
            : "\(unit.serial) is on the bench, but on hold. Scan TRV:RELEASE to release it."
    }

    private mutating func bench(_ state: inout State) throws(Stop) -> Unit {
        guard let unit = try unitOnBench(&state) else {
            session.bench = nil
            throw Stop(reason: .benchEmpty, message: "No unit is on the bench. Scan its serial first.")
        }
        return unit
    }

    mutating func pass(in state: inout State) throws(Stop) -> String {
        let unit = try bench(&state)
        let stage = try stageHere(unit, in: state)
        session.bench = nil
        return perform(stage, on: unit, in: state)
    }

    private func knownType(_ type: String, _ unit: Unit, in state: State) throws(Stop) {
        guard let known = state.plant.defectTypes[type], !known.retired else {
            throw Stop(
                reason: .unknownDefectType, message: "There is no defect type \(type). Use one from the control sheet.",
                serial: unit.serial)
        }
    }

    private func failed(_ unit: Unit, _ opened: DefectCase, in state: State) -> UnitState {
        var after = unit.state
        after.failedStage = stagePerformedHere(unit, in: state)?.name ?? unit.state.stage
        (after.status, after.stage, after.defectCase) = (.defect, nil, opened.id)
        return after
    }

    mutating func fail(_ type: String, in state: inout State) throws(Stop) -> String {
        let unit = try bench(&state)
        try knownType(type, unit, in: state)
        session.bench = nil
        let opened = newCase(unit, type, behind: 1, in: state)
        var event = step(.unitFailed, unit, to: failed(unit, opened, in: state))
        event.details.defectType = type
        take(event, unit, opened: opened)
        return "\(unit.serial) failed \(event.after?.failedStage ?? "") with \(type). Take it to the defect shelf."
    }

    mutating func scrap(_ type: String, in state: inout State) throws(Stop) -> String {
        try require(.markDefect, for: "TRV:SCRAP")
        let unit = try bench(&state)
        try knownType(type, unit, in: state)
        session.bench = nil
        var opened = newCase(unit, type, behind: 2, in: state)
        var marked = step(.unitDefect, unit, to: failed(unit, opened, in: state))
        marked.details.defectType = type
        record(marked)
        var scrapped = unit
        scrapped.state = marked.after ?? unit.state
        opened.book(.writtenOff, 1, at: at)
        take(state.writtenOff(scrapped, .scrap, type: type), unit, opened: opened)
        return "\(unit.serial) is scrap (\(type)). Put it into the scrap bin."
    }

    mutating func rework(to stage: String, in state: inout State) throws(Stop) -> String {
        try require(.markDefect, for: "TRV:REWORK")
        let unit = try bench(&state)
        try requireFree(unit)
        var opened = newCase(unit, nil, behind: 2, in: state)
        let marked = step(.unitDefect, unit, to: failed(unit, opened, in: state))
        var defective = unit
        defective.state = marked.after ?? unit.state
        do throws(Refusal) {
            let reworked = try state.rework(defective, to: stage)
            session.bench = nil
            record(marked)
            opened.book(.reworked, 1, at: at)
            take(reworked, unit, opened: opened)
        } catch {
            throw Stop(reason: .wrongStage, message: error.message, serial: unit.serial, next: unit.state.next)
        }
        return "\(unit.serial) goes back to \(stage)."
    }

    mutating func hold(in state: inout State) throws(Stop) -> String {
        let unit = try bench(&state)
        guard !unit.state.onHold else {
            throw Stop(reason: .onHold, message: "\(unit.serial) is on hold already.", serial: unit.serial)
        }
        session.bench = nil
        var after = unit.state
        after.onHold = true
        take(step(.unitHeld, unit, to: after), unit)
        return "\(unit.serial) is on hold. Set it aside."
    }

    mutating func release(in state: inout State) throws(Stop) -> String {
        try require(.hold, for: "TRV:RELEASE")
        let unit = try bench(&state)
        guard unit.state.onHold else {
            throw Stop(reason: .alreadyDone, message: "\(unit.serial) is not on hold.", serial: unit.serial)
        }
        var after = unit.state
        after.onHold = false
        take(step(.unitReleased, unit, to: after), unit)
        return "\(unit.serial) is released and on the bench. Now scan its verdict."
    }
}

extension State {
    /// A unit is gone for good, at what it cost.
    func writtenOff(_ unit: Unit, _ reason: WriteOffReason, type: String? = nil) -> Event {
        var after = unit.state
        (after.status, after.stage, after.onHold, after.defectCase) = (.writtenOff, nil, false, nil)
        after.returnItem = nil
        after.writeOffReason = reason.rawValue
        var event = Event(.unitWrittenOff, unit: unit, to: after)
        (event.details.reason, event.details.defectType) = (reason.rawValue, type)
        event.details.cost = unit.cost ?? plant.products[unit.product]?.cost
        return event
    }
}

extension State {
    /// Sends a defective unit back to a stage no later than the one where it failed.
    func rework(_ unit: Unit, to stage: String) throws(Refusal) -> Event {
        var after = unit.state
        after.routing = after.routing ?? plant.currentRouting(of: unit.product)
        guard let stages = plant.stages(after.routing) else {
            throw Refusal(.rule(.noRouting), "\(unit.product) has no routing, so there is no stage to go back to")
        }
        let failedAt = unit.state.failedStage.flatMap { failed in stages.firstIndex { $0.name == failed } }
        let allowed = stages[...(failedAt ?? stages.endIndex - 1)].map(\.name)
        guard allowed.contains(stage) else {
            throw Refusal(
                .rule(.wrongStage),
                "\(unit.serial) can't go back to \(stage); it can go to \(allowed.joined(separator: ", ")).")
        }
        (after.status, after.stage, after.failedStage, after.defectCase) = (.inProduction, stage, nil, nil)
        after.returnItem = nil
        after.iteration += 1
        return Event(.unitReworked, unit: unit, to: after)
    }
}

/// A duration in milliseconds, rounded up, in the largest unit that says enough.
func duration(_ milliseconds: Int64) -> String {
    let seconds = (milliseconds + 999) / 1_000
    return switch seconds {
    case ..<120: "\(seconds) s"
    case ..<7_200: "\((seconds + 59) / 60) min"
    default: "\((seconds + 3_599) / 3_600) h"
    }
}
