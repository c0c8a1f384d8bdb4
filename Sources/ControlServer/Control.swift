import Barcodes
import ControlAPI
public import Ledger
public import Line
public import Logging
public import Tracking

/// The control interface: requests in, answers out, whatever carries them.
///
/// Who asks is taken from the caller, never from the request, and what they may do is decided anew for each request from
/// the plant as it then is.
public struct Control: Sendable {
    let ledger: Ledger
    let version: String
    let startedAt: Moment
    let clock: @Sendable () -> Moment
    let devices: StationDevices?
    let refresh: @Sendable (Caller) async -> Caller
    let logger: Logger
    private let denials = Denials()
    let badgeTries = BadgeTries()
    private let refusals = Denials()
    let scanCounts: ScanCounts
    private let turns = Turns()

    /// The control interface of one ledger.
    ///
    /// - Parameters:
    ///   - version: version of the daemon.
    ///   - startedAt: when the daemon started.
    ///   - devices: the scanners of the plant; nil for a scratch ledger, which opens none.
    ///   - refresh: looks again who a caller is, for streams that last.
    public init(
        ledger: Ledger, version: String, startedAt: Moment,
        clock: @escaping @Sendable () -> Moment = Ledger.systemClock,
        devices: StationDevices? = nil,
        refresh: @escaping @Sendable (Caller) async -> Caller = { $0 },
        logger: Logger = Logger(label: "traveler.control")
    ) {
        (self.ledger, self.version, self.startedAt, self.clock) = (ledger, version, startedAt, clock)
        (self.devices, self.refresh, self.logger) = (devices, refresh, logger)
        scanCounts = ScanCounts(ledger)
    }

    /// Answers a request. What goes wrong is an answer too.
    public func answer(_ request: ControlRequest, from caller: Caller) async -> ControlResponse {
        if let answer = withoutLedger(request, caller) { return answer }
        do {
            return try await dispatch(request, caller)
        } catch {
            let problem = problem(error, request)
            noteRefusal(problem, request, caller)
            return ControlResponse(problem)
        }
    }

    static let table = RouteTable(
        statusRoutes + siteRoutes + productRoutes + unitRoutes + workOrderRoutes + stationRoutes + labelRoutes
            + deviceRoutes + stockRoutes + defectRoutes + supplierReturnRoutes + defectReportRoutes + organisationRoutes
            + returnRoutes + returnReportRoutes + auditRoutes + reportRoutes + webhookRoutes + streamRoutes
            + systemRoutes)

    /// A request whose caller, route and right were checked.
    private struct Admitted {
        let plant: Plant
        let access: Access
        let path: [String]
        let route: Route
        let parameters: [String: String]
    }

    /// How many bytes the body of a request may have, decided by its head alone; nil where it is refused whatever its body.
    func bodyLimit(of head: ControlRequest, from caller: Caller) -> Int? {
        (try? admit(head, caller))?.route.bodyLimit
    }

    /// The answer to a request that is refused whatever its body; nil for one that is not.
    func refusal(of head: ControlRequest, from caller: Caller) async -> ControlResponse? {
        if let answer = withoutLedger(head, caller) { return answer }
        do {
            _ = try await admitOnRecord(head, caller)
            return nil
        } catch {
            noteRefusal(error, head, caller)
            return ControlResponse(error)
        }
    }

    /// Puts it on record if somebody is sent away.
    private func admitOnRecord(_ head: ControlRequest, _ caller: Caller) async throws(Problem) -> Admitted {
        do {
            return try admit(head, caller)
        } catch {
            if Access(caller, in: ledger.plant) == nil { await recordDenial(head, caller) }
            throw error
        }
    }

    private func admit(_ head: ControlRequest, _ caller: Caller) throws(Problem) -> Admitted {
        let plant = ledger.plant
        guard let access = Access(caller, in: plant) else {
            let isRetired = caller.login.flatMap { plant.people[$0] }?.retired ?? false
            throw Problem(
                .permissionDenied,
                "cannot let \(caller.name) in: \(isRetired ? "this login is retired" : "nobody with this login is") in the "
                    + "site file; ask an admin to add you")
        }
        let path = try RequestText.segments(head.path)
        let matches = path.first == "v1" ? Self.table.match(path.dropFirst()) : []
        guard !matches.isEmpty else {
            throw Problem(
                .notFound, "there is nothing at \(head.path.shown); GET /v1/openapi.json lists what there is")
        }
        // Whatever can be read can be asked about, too.
        let method = head.method == "HEAD" ? "GET" : head.method
        guard let (route, parameters) = matches.first(where: { $0.route.method.rawValue == method }) else {
            var allowed: [String] = []
            for name in matches.flatMap({ $0.route.method == .get ? ["GET", "HEAD"] : [$0.route.method.rawValue] })
            where !allowed.contains(name) {
                allowed.append(name)
            }
            throw Problem(
                .invalidArgument,
                "cannot \(head.method.shown) here; use \(allowed.joined(separator: " or "))", status: 405,
                allowed: allowed)
        }
        guard route.verbs.contains(where: access.may) else {
            throw Problem(.permissionDenied, access.denial(route.verbs))
        }
        return Admitted(plant: plant, access: access, path: path, route: route, parameters: parameters)
    }

    private func dispatch(_ request: ControlRequest, _ caller: Caller) async throws -> ControlResponse {
        let admitted = try await admitOnRecord(request, caller)
        let (access, route) = (admitted.access, admitted.route)
        guard request.body.count <= route.bodyLimit else { throw Problem.tooLarge(limit: route.bodyLimit) }
        var call = Call(
            control: self, caller: caller, access: access, plant: admitted.plant, parameters: admitted.parameters)
        call.pace = route.pace
        call.turn = try turns.begin(route.pace, access.login)
        // A stream that was begun is read on its lane, and sent from the pool.
        if route.pace != .replay { call.lane = ledger.lane(route.pace) }
        // Large bodies are understood beside the scans, too.
        let lane = call.lane ?? (request.body.count > Self.largeBody ? ledger.lane(.preparation) : nil)
        guard let lane else { return try await handle(request, call, admitted) }
        return try await withTaskExecutorPreference(lane) { [call] in try await handle(request, call, admitted) }
    }

    /// Bytes of a body that takes longer to understand than a scan may wait for.
    private static let largeBody = 16_384

    private func handle(
        _ request: ControlRequest, _ call: Call, _ admitted: Admitted
    ) async throws -> ControlResponse {
        let route = admitted.route
        var call = call
        call.query = try route.query(in: request.query)
        try call.checkPeriod()
        // Counting all of a list reads as much as a report.
        if call.pace == .list, call.query["total"]?.bool == true {
            call.pace = .report
            call.turn?.end()
            call.turn = try turns.begin(.report, call.access.login)
        }
        switch route.input {
        case .none: break
        case .json(let properties, let needs):
            call.body = try RequestText.object(request.body, .object(properties, needs: needs))
        case .yaml: call.text = try RequestText.text(request.body)
        case .bytes: call.bytes = request.body
        }
        if route.isChange { call.key = try idempotencyKey(request, admitted) }
        call.lastEventID = request.lastEventID
        return try await withFewTries(call, route)
    }

    /// Answers a request. That a name is taken tells, of a badge, that it is one: whoever meets too many badges within a minute
    /// names nothing new for the rest of it, and it is on record.
    private func withFewTries(_ call: Call, _ route: Route) async throws -> ControlResponse {
        let (login, now) = (call.access.login, clock().steady)
        let names = route.isChange && !call.access.isAdmin && ["serials", "order"].contains { call.body[$0] != nil }
        guard names else { return try await route.handler(call) }
        if badgeTries.isOver(login, at: now) {
            throw Problem(.unavailable, "too many names that are taken were tried; wait a minute, then try again")
        }
        do {
            return try await route.handler(call)
        } catch let refusal as Refusal where refusal.namesBadge {
            _ = badgeTries.begin(login, at: now)
            badgeTries.end(login, wasTry: true)
            if badgeTries.isToBeRecorded(login) {
                await recordDenial("names: too many that are somebody's badge", login)
            }
            throw refusal
        }
    }

    private func idempotencyKey(_ request: ControlRequest, _ admitted: Admitted) throws -> IdempotencyKey? {
        guard let key = request.idempotencyKey else { return nil }
        guard TextForm.idempotencyKey.holds(key) else {
            throw Problem(.invalidArgument, "an Idempotency-Key is \(TextForm.idempotencyKey.words)")
        }
        // What is asked for counts, however it was written. Of a photo, the query says what it shows.
        let query = try RequestText.pairs(request.query).sorted { ($0.name, $0.value) < ($1.name, $1.value) }
        let asked = query.flatMap { Array($0.name.utf8) + [0] + Array($0.value.utf8) + [0] } + request.body
        // A slash within a segment is none between two.
        let path = admitted.path.map { $0.replacing("%", with: "%25").replacing("/", with: "%2F") }
        return IdempotencyKey(
            caller: admitted.access.login, route: request.method + " /" + path.joined(separator: "/"), key: key,
            body: asked)
    }

    /// Leaves a line in the journal about a change that was refused, or a right that is missing.
    private func noteRefusal(_ problem: Problem, _ request: ControlRequest, _ caller: Caller) {
        guard !["GET", "HEAD"].contains(request.method) || problem.code == .permissionDenied else { return }
        noteRefusal(
            "\(request.method.prefix(20)) \(request.path.prefix(200))", problem.reason ?? problem.code.rawValue,
            problem.detail, caller)
    }

    /// Leaves a line in the journal about something that was refused. A program that asks again and again must not fill
    /// the disk with it.
    func noteRefusal(_ what: String, _ reason: String, _ detail: String, _ caller: Caller) {
        // Somebody who is nobody here was noted already.
        guard Access(caller, in: ledger.plant) != nil else { return }
        let count = refusals.count(caller, at: clock().steady)
        if count <= Denials.limit {
            logger.notice(
                "refused: \(detail.prefix(500))",
                metadata: ["caller": "\(caller.name)", "request": "\(what)", "reason": "\(reason)"])
        } else if count == Denials.limit + 1 {
            logger.notice("more is refused, and not listed in this minute", metadata: ["caller": "\(caller.name)"])
        }
    }

    /// Puts it on record that somebody was sent away. A caller who keeps knocking must not fill the disk with it.
    private func recordDenial(_ request: ControlRequest, _ caller: Caller) async {
        guard denials.isToBeRecorded(caller, at: clock().steady) else { return }
        await recordDenial("\(request.method.shown) \(request.path.shown)", caller.name)
    }

    func recordDenial(_ what: String, _ caller: String) async {
        logger.warning("sent away", metadata: ["caller": "\(caller)", "request": "\(what)"])
        do {
            try await ledger.submit(.recordDenial(who: caller, request: what), by: .system) { _, _ in
                StoredAnswer(status: 403, body: [])
            }
        } catch {
            logger.error("cannot record that a caller was sent away: \(error)")
        }
    }

    private func problem(_ error: any Error, _ request: ControlRequest) -> Problem {
        switch error {
        case let problem as Problem: return problem
        case let refusal as Refusal: return Problem(refusal)
        case let error as StorageError: return Problem(.unavailable, error.description)
        case is CancellationError: return Problem(.unavailable, "the daemon is stopping; try again")
        default:
            logger.error("\(request.method) \(request.path): \(error)")
            return Problem(.internal, "something went wrong in the daemon; its journal says more")
        }
    }
}

extension Access {
    /// The rights of a caller, or nil for somebody who is nobody here.
    init?(_ caller: Caller, in plant: Plant) {
        guard let login = caller.login ?? (caller.isAdmin ? caller.name : nil) else { return nil }
        self.init(login: login, isAdmin: caller.isAdmin, in: plant)
    }
}

extension Problem {
    /// A rule's no as the wire says it.
    init(_ refusal: Refusal) {
        switch refusal.kind {
        case .invalid: self.init(.invalidArgument, refusal.message)
        case .notPermitted: self.init(.permissionDenied, refusal.message)
        case .notFound: self.init(.notFound, refusal.message)
        case .conflict: self.init(.conflict, refusal.message)
        case .rule(let reason): self.init(.refused, refusal.message, reason: reason.rawValue)
        }
    }
}
