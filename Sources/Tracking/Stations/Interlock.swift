import Barcodes

/// Ends a scan that does not count.
struct Stop: Error, Equatable {
    var result = ScanAnswer.Result.refused
    var reason: Reason
    var message: String
    /// The unit or label that it was about.
    var serial: String?
    /// Where that must go instead.
    var next: String?
}

/// One scan at one station: everything that its rules look at.
///
/// The checks run in a fixed order: frame and code, sign-on, open order, bench, known, status, hold, stage,
/// conditions. The first one that fails is the answer.
struct Interlock {
    let scan: Scan
    let station: Station
    let moment: Moment
    /// Rights of the signed-on person, or of the caller at a terminal of their own.
    var person: Access?
    /// The caller, where the terminal is not the station itself.
    let terminal: Access?
    var session: Session
    var events: [Event] = []
    /// Login of the person whose badge was read.
    let badge: String?
    /// The unit or label that the scan is about.
    var serial: String?
    var warning: String?
    /// Code of the product without serials that the scan is about.
    var product: String?

    /// When it came, in milliseconds since 1970.
    var at: Int64 { moment.wall }

    mutating func record(_ event: Event) {
        var event = event
        event.station = station.name
        if event.actor == nil { event.actor = person?.login }
        events.append(event)
    }

    /// An event that moves `unit` on to a state, by the signed-on person.
    func step(_ kind: EventKind, _ unit: Unit, to after: UnitState) -> Event {
        var event = Event(kind, unit: unit, to: after)
        event.after?.worker = person?.login ?? unit.state.worker
        return event
    }

    func numberOfNextEvent(_ state: State) -> Int64 { state.head + 1 + Int64(events.count) }
}

extension Event {
    /// An event that moves `unit` from its state to another.
    init(_ kind: EventKind, unit: Unit, to after: UnitState) {
        self.init(kind)
        (self.unit, product, team, workOrder) = (unit.serial, unit.product, unit.team, unit.workOrder)
        (before, self.after) = (unit.state, after)
    }
}

extension State {
    /// Decides a scan. A scan that does not count is a decision too: it is recorded.
    mutating func decide(
        _ scan: Scan, by actor: Actor, device: String, at moment: Moment
    ) throws(Refusal) -> Decision {
        guard let station = plant.stations[scan.station], !station.retired else {
            throw .notFound("station", scan.station)
        }
        var caller: Access?
        if case .person(let access) = actor {
            guard access.sees(team: station.team, in: plant) else { throw .notFound("station", scan.station) }
            if !access.grants.contains(.stationTerminal) { caller = access }
        }
        let key = Session.Key(station: station.name, terminal: caller?.login)
        let owner = person(withBadgeIn: scan)
        // A terminal doesn't tell a badge from any other code that is unknown here.
        let badge = caller == nil && scan.takesBadges ? owner : nil
        var interlock = Interlock(
            scan: scan, station: station, moment: moment, person: nil, terminal: caller, session: session(key),
            badge: badge)
        interlock.endIdleSession(plant)
        interlock.person =
            caller ?? interlock.session.person.flatMap { Access(login: $0, isAdmin: false, in: plant) }

        let code = recordedCode(of: scan, owner, isSignOn: badge != nil)
        var answer = ScanAnswer(
            result: .accepted, message: "", station: station.name,
            code: badge == nil && owner != nil && scan.code?.isText == true ? scan.text : code, event: 0,
            at: moment.wall)
        let housekeeping = interlock.events.count
        var refusal: Stop?
        do throws(Stop) {
            answer.message = try interlock.decide(code, in: &self)
            answer.warning = interlock.warning
            answer.outcome = interlock.outcome(of: interlock.events[housekeeping...])
            if interlock.events.count == housekeeping {
                var event = Event(.scanAccepted)
                event.unit = interlock.serial
                interlock.record(event)
            }
        } catch {
            interlock.events.removeSubrange(housekeeping...)
            interlock.serial = error.serial
            (answer.result, answer.reason, answer.message) = (error.result, error.reason, error.message)
            answer.next = error.next
            refusal = error.result == .refused ? error : interlock.session.previousRefusal
            answer.outcome = refusal == nil ? .readTwice : .refused
            var event = Event(error.result == .ignored ? .scanIgnored : .scanRefused)
            (event.unit, event.reason, event.note) = (error.serial, error.reason, scan.broken)
            // A serial of nothing, at a terminal, could be somebody's badge.
            if let serial = error.serial, caller != nil || owner != nil, unit(serial) == nil,
                pendingLabel(serial) == nil
            {
                event.unit = nil
            }
            interlock.record(event)
        }
        interlock.events[housekeeping].frame = Event.Frame(code: code, device: device)
        answer.event = head + 1 + Int64(housekeeping)
        answer.person = interlock.person?.login
        answer.workOrder = interlock.session.workOrder
        describe(&answer, interlock)

        interlock.session.previousCode = code
        interlock.session.previousRefusal = refusal
        (interlock.session.previousAt, interlock.session.activeAt) = (scan.readAt ?? moment, moment)
        if interlock.session.step?.event == 0 {
            let last = interlock.events.lastIndex { $0.after != nil } ?? interlock.events.count - 1
            interlock.session.step?.event = head + 1 + Int64(last)
        }
        var decision = Decision(interlock.events, serials: interlock.serial.map { [$0] } ?? [])
        decision.answer = answer
        decision.session = (key, interlock.session)
        return decision
    }

    /// Fills in the unit or the product as it is after the scan, as far as the one at a terminal may see it.
    private mutating func describe(_ answer: inout ScanAnswer, _ interlock: Interlock) {
        describeUnit(&answer, interlock)
        let isCounted =
            switch interlock.station.mode {
            case .lookup, .returns, .label: answer.result == .accepted
            default: false
            }
        guard isCounted else { return }
        if let product = interlock.product { answer.product = product }
        // A label station counts goods without serials only: what becomes of a serial stands on its unit.
        guard interlock.station.mode != .label || interlock.product != nil,
            let product = answer.product.flatMap({ plant.products[$0] })
        else { return }
        answer.counts = counts(of: product, after: interlock.events, for: interlock.terminal)
    }

    private mutating func describeUnit(_ answer: inout ScanAnswer, _ interlock: Interlock) {
        guard let serial = interlock.serial else { return }
        answer.serial = serial
        let unit = unit(serial)
        let event = interlock.events.last { $0.unit == serial && $0.after != nil }
        guard let state = event?.after ?? unit?.state else {
            answer.product = pendingLabel(serial)?.product ?? interlock.events.last { $0.unit == serial }?.product
            if answer.result == .accepted { answer.next = answer.next ?? "label" }
            return
        }
        let team = unit?.team ?? event?.team
        if let terminal = interlock.terminal, !terminal.sees(team: team, state) { return }
        answer.product = unit?.product ?? event?.product
        (answer.status, answer.stage, answer.iteration) = (state.status, state.stage, state.iteration)
        answer.workOrder = unit?.workOrder ?? event?.workOrder ?? answer.workOrder
        if answer.next == nil { answer.next = state.next }
    }

    private mutating func person(withBadgeIn scan: Scan) -> String? {
        switch scan.code {
        case .control(.badge(let code)): person(withBadge: code)
        // A serial is never a badge, and nearly every scan is a serial: no hash is made of it.
        case .text(let code): unit(code) == nil ? person(withBadge: code) : nil
        default: nil
        }
    }

    /// The text as it is recorded: a badge as its person, an unknown badge without its code. What was only tried as a badge
    /// by its control code is nobody's.
    private func recordedCode(of scan: Scan, _ owner: String?, isSignOn: Bool) -> String {
        if case .control(.badge) = scan.code { return "badge:" + (isSignOn ? owner ?? "?" : "?") }
        if owner == nil, ControlCode.isBadge(scan.text) { return "badge:?" }
        return owner.map { "badge:" + $0 } ?? scan.text
    }
}

extension Code {
    var isText: Bool { if case .text = self { true } else { false } }
}

extension UnitState {
    /// Where a unit in this state must go now: a stage, `stock`, `defect`, `customer`, `repacking`; nil for nowhere.
    public var next: String? {
        switch status {
        case .inProduction: stage
        case .inStock: "stock"
        case .defect: "defect"
        case .delivered: "customer"
        case .returned: "repacking"
        case .installed, .split, .writtenOff: nil
        }
    }
}

extension Interlock {
    /// Signs off a person who did nothing for as long as the plant allows.
    mutating func endIdleSession(_ plant: Plant) {
        guard terminal == nil, let login = session.endIfIdle(at: moment, plant.settings) else { return }
        signOff(login, note: "idle")
    }

    mutating func signOff(_ login: String, note: String? = nil) {
        var event = Event(.signedOff)
        (event.actor, event.note) = (login, note)
        record(event)
        session.person = nil
        session.clearBench()
    }

    /// Decides the frame, and returns the sentence for the operator.
    mutating func decide(_ recorded: String, in state: inout State) throws(Stop) -> String {
        guard let code = scan.code else {
            throw Stop(reason: .brokenScan, message: "Broken scan (\(scan.broken ?? "not whole")). Scan again.")
        }
        if recorded == session.previousCode, isDoubleRead(state.plant.settings) {
            if var refusal = session.previousRefusal {
                refusal.result = .ignored
                throw refusal
            }
            // What is read twice may be a verdict: it was about the unit that is, or was, on the bench.
            var serial: String? = scan.text
            if case .control = code { serial = session.bench ?? session.lastSerial }
            let unit = serial.flatMap { state.unit($0) }.flatMap { isHidden($0) ? nil : $0 }
            let isOwed = station.mode == .verdict && unit != nil && session.bench == unit?.serial
            throw Stop(
                result: .ignored, reason: .alreadyDone,
                message: "Read twice; counted once." + (isOwed ? " Its verdict is still owed." : ""),
                serial: unit?.serial, next: unit?.state.next)
        }
        switch code {
        case .unknownControl(let text):
            throw Stop(reason: .unknownCode, message: sentence(aboutControl: text, in: state))
        case .control(let control): return try decide(control, in: &state)
        case .item(let item):
            try checkCount(of: item)
            try requireSignOn()
            if let serial = item.serial { return try decide(serial: serial, of: item.product, in: &state) }
            try takeCount(of: item)
            return try decide(
                product: item.product.flatMap(state.plant.product(of:)), code: item.product?.text ?? scan.text,
                in: &state)
        case .text(let text):
            if let badge { return try sign(on: badge, in: state) }
            let isSerial = state.unit(text) != nil || state.pendingLabel(text) != nil
            if !isSerial, let right = ControlCode.inCapitals(text) {
                throw Stop(reason: .unknownSerial, message: sentence(inCapitals: right))
            }
            if !isSerial { try requireSignOn(by: text, in: &state) }
            try requireSignOn()
            if station.mode == .label, state.workOrder(text) != nil { return try take(workOrder: text, in: &state) }
            if station.mode == .ship, state.unit(text) == nil {
                if state.isOrder(text) { return try open(order: text, in: &state) }
            }
            if station.mode == .returns, state.unit(text) == nil {
                if state.isOrder(text) { return try take(returnsFrom: text, in: &state) }
            }
            if [.ship, .returns, .label, .lookup].contains(station.mode), !isSerial {
                if let product = state.plant.product(named: text) {
                    return try decide(product: product, code: text, in: &state)
                }
            }
            return try decide(serial: text, of: nil, in: &state)
        }
    }

    /// Decides a control code.
    private mutating func decide(_ control: ControlCode, in state: inout State) throws(Stop) -> String {
        if case .badge = control {
            guard terminal == nil else { throw badgeAtTerminal }
            guard scan.takesBadges else {
                throw Stop(
                    reason: .notPermitted,
                    message: "Too many badges were tried here that are nobody's. Wait a minute, then scan yours again.")
            }
            guard let badge else {
                throw Stop(reason: .unknownCode, message: "This badge belongs to nobody here. Ask an admin.")
            }
            return try sign(on: badge, in: state)
        }
        try requireSignOn()
        switch (control, station.mode) {
        case (.workOrder(let number), .label): return try take(workOrder: number, in: &state)
        case (.new, .label): return try makeLabel(in: &state)
        case (.pass, .verdict): return try pass(in: &state)
        case (.fail(let type), .verdict): return try fail(type, in: &state)
        case (.rework(let stage), .verdict): return try rework(to: stage, in: &state)
        case (.scrap(let type), .verdict): return try scrap(type, in: &state)
        case (.hold, .verdict): return try hold(in: &state)
        case (.release, .verdict): return try release(in: &state)
        case (.order(let number), .ship): return try open(order: number, in: &state)
        case (.replacement(let id), .ship): return try open(replacementOf: id, in: &state)
        case (.close, .ship): return try closeDelivery(in: &state)
        case (.order(let number), .returns): return try take(returnsFrom: number, in: &state)
        case (.kind(let text), .returns): return try take(text, "kind", \.kind)
        case (.reason(let text), .returns): return try take(text, "reason", \.reason)
        case (.condition(let text), .returns): return try take(text, "condition", \.condition)
        case (.pass, .returns): return try passReturned(in: &state)
        case (.scrap(let type), .returns): return try scrapReturned(type, in: &state)
        case (.hold, .returns): return try hold(true, in: &state)
        case (.release, .returns): return try hold(false, in: &state)
        case (.close, .returns): return try closeReturns(in: &state)
        case (.quantity(let quantity), .ship), (.quantity(let quantity), .returns), (.quantity(let quantity), .label):
            session.quantity = quantity
            return "Quantity \(quantity). Now scan the product."
        case (.undo, _): return try undo(in: &state)
        case (.reprint, _): return try reprint(in: &state)
        case (.cancel, _):
            session.clearBench()
            session.quantity = nil
            let order = session.returning?.order
            session.returning = order.map { _ in Session.Returning() }
            session.returning?.order = order
            return "The bench is clear."
        case (.fail, .returns), (.rework, .returns): throw meansNothing(control)
        case (.pass, .pass):
            throw Stop(
                reason: .benchEmpty,
                message: "\(station.name) passes a unit by its serial alone. Scan the serial of the unit.")
        case (.pair, _):
            throw Stop(
                reason: .unknownCode,
                message:
                    "\(control.text) is for a scanner that is no station's yet, and this one is \(station.name)'s. "
                    + "Read it with the scanner that is to be bound.")
        case (.pass, _), (.fail, _), (.rework, _), (.scrap, _), (.hold, _), (.release, _):
            throw Stop(
                reason: .benchEmpty,
                message: "\(station.name) keeps no unit on a bench. Scan \(control.text) at a verdict station.")
        default: throw meansNothing(control)
        }
    }

    /// Whether the frame comes so soon after the one before that it can't be meant twice.
    private func isDoubleRead(_ settings: Settings) -> Bool {
        let age = (scan.readAt ?? moment).age(of: session.previousAt)
        // Frames of several terminals of one person can overtake each other.
        return (0..<Int64(settings.doubleRead)).contains(scan.readAt == nil ? age : abs(age))
    }

    private func meansNothing(_ control: ControlCode) -> Stop {
        Stop(
            reason: .unknownCode,
            message: "\(control.text) means nothing at \(station.name), a \(station.mode) station.")
    }

    /// Refuses an unknown code where a badge is required.
    private func requireSignOn(by text: String, in state: inout State) throws(Stop) {
        guard station.signOnRequired, person == nil, state.workOrder(text) == nil, !state.isOrder(text),
            state.plant.product(named: text) == nil
        else { return }
        throw Stop(
            reason: .notSignedOn,
            message: "Nobody is signed on, and this is nobody's badge here. If it is yours, ask an admin to enter it.")
    }

    private var badgeAtTerminal: Stop {
        Stop(
            reason: .notPermitted,
            message: "This terminal already works as \(terminal?.login ?? "you"); badges sign on at the station only.")
    }

    /// What the operator is told of a scan that counted.
    func outcome(of events: ArraySlice<Event>) -> Outcome {
        if let serial {
            let isOwed =
                switch station.mode {
                case .verdict: session.bench == serial
                case .returns: session.bench == serial && events.isEmpty
                default: false
                }
            if isOwed, events.allSatisfy({ $0.kind == .unitReleased }) { return .verdictOwed }
        }
        if let word = events.lazy.compactMap(\.kind.outcome).first { return word }
        switch scan.code {
        case .control(.workOrder), .control(.order), .control(.replacement): return .open
        case .control(.close): return .closed
        case .control(.cancel): return .clear
        case .control: return .noted
        default: return station.mode == .lookup ? .found : .open
        }
    }

    private func requireSignOn() throws(Stop) {
        if station.signOnRequired, person == nil {
            throw Stop(reason: .notSignedOn, message: "Nobody is signed on. Scan your badge first.")
        }
    }

    /// Sign-on, or sign-off with the badge of the one who is signed on.
    private mutating func sign(on login: String, in state: State) throws(Stop) -> String {
        let name = state.plant.people[login]?.name ?? login
        if session.person == login {
            signOff(login)
            person = nil
            return "\(name) signed off."
        }
        var event = Event(.signedOn)
        event.actor = login
        record(event)
        session.person = login
        session.clearBench()
        person = Access(login: login, isAdmin: false, in: state.plant)
        return "\(name) signed on."
    }

    /// The signed-on person must have the right; the station's devices alone never do.
    func require(_ verb: Verb, for control: String) throws(Stop) {
        guard let person else {
            throw Stop(reason: .notSignedOn, message: "\(control) asks for a signed-on person. Scan your badge first.")
        }
        guard person.may(verb) else {
            throw Stop(
                reason: .notPermitted,
                message:
                    "\(person.login) may not use \(control): that takes \(Verb.missing([verb])). Ask somebody who has it."
            )
        }
    }
}
