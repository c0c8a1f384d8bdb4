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
        do {
            return try await dispatch(request, caller)
        } catch {
            return ControlResponse(problem(error, request))
        }
    }

    static let table = RouteTable(
        statusRoutes + siteRoutes + productRoutes + unitRoutes + workOrderRoutes + stationRoutes + labelRoutes
            + deviceRoutes + stockRoutes + defectRoutes + supplierReturnRoutes + defectReportRoutes + organisationRoutes
            + returnRoutes + returnReportRoutes + auditRoutes + reportRoutes + webhookRoutes + streamRoutes
            + systemRoutes)

    private func dispatch(_ request: ControlRequest, _ caller: Caller) async throws -> ControlResponse {
        let plant = ledger.plant
        guard let access = Access(caller, in: plant) else {
            await recordDenial(request, caller)
            let isRetired = caller.login.flatMap { plant.people[$0] }?.retired ?? false
            throw Problem(
                .permissionDenied,
                "cannot let \(caller.name) in: \(isRetired ? "this login is retired" : "nobody with this login is") in the "
                    + "site file; ask an admin to add you")
        }
        let path = try RequestText.segments(request.path)
        let matches = path.first == "v1" ? Self.table.match(path.dropFirst()) : []
        guard !matches.isEmpty else {
            throw Problem(
                .notFound, "there is nothing at \(request.path.prefix(200)); GET /v1/openapi.json lists what there is")
        }
        guard let (route, parameters) = matches.first(where: { $0.route.method.rawValue == request.method }) else {
            let allowed = matches.map(\.route.method.rawValue)
            throw Problem(
                .invalidArgument,
                "cannot \(request.method.prefix(20)) here; use \(allowed.joined(separator: " or "))", status: 405,
                allowed: allowed)
        }
        guard route.verbs.contains(where: access.may) else {
            throw Problem(.permissionDenied, access.denial(route.verbs))
        }
        guard request.body.count <= route.bodyLimit else {
            throw Problem(
                .tooLarge, "cannot take a body of more than \(route.bodyLimit >> 20) MiB here; send less at once")
        }
        var call = Call(control: self, caller: caller, access: access, plant: plant, parameters: parameters)
        call.pace = route.pace
        call.turn = try turns.begin(route.pace, access.login)
        // A stream that was begun is read on its lane, and sent from the pool.
        if route.pace != .replay { call.lane = ledger.lane(route.pace) }
        // Large bodies are understood beside the scans, too.
        let lane = call.lane ?? (request.body.count > Self.largeBody ? ledger.lane(.preparation) : nil)
        guard let lane else { return try await handle(request, call, route) }
        return try await withTaskExecutorPreference(lane) { [call] in try await handle(request, call, route) }
    }

    /// Bytes of a body that takes longer to understand than a scan may wait for.
    private static let largeBody = 16_384

    private func handle(_ request: ControlRequest, _ call: Call, _ route: Route) async throws -> ControlResponse {
        var call = call
        call.query = try route.query(in: request.query)
        try call.checkPeriod()
        // Counting all of a list reads as much as a report.
        if call.pace == .list, call.query["total"]?.bool == true { call.pace = .report }
        switch route.input {
        case .none: break
        case .json(let properties, let needs):
            call.body = try RequestText.object(request.body, .object(properties, needs: needs))
        case .yaml: call.text = try RequestText.text(request.body)
        case .bytes: call.bytes = request.body
        }
        if route.isChange { call.key = try idempotencyKey(request, call.access) }
        call.lastEventID = request.lastEventID
        return try await route.handler(call)
    }

    /// How many bytes the body of a request may have. Its rest need not be read: it is answered with `too_large`.
    static func bodyLimit(_ method: String, _ path: String) -> Int {
        guard let segments = try? RequestText.segments(path), segments.first == "v1" else {
            return ControlRequest.bodyLimit
        }
        let route = table.match(segments.dropFirst()).first { $0.route.method.rawValue == method }?.route
        return route?.bodyLimit ?? ControlRequest.bodyLimit
    }

    private func idempotencyKey(_ request: ControlRequest, _ access: Access) throws -> IdempotencyKey? {
        guard let key = request.idempotencyKey else { return nil }
        guard TextForm.idempotencyKey.holds(key) else {
            throw Problem(.invalidArgument, "an Idempotency-Key is \(TextForm.idempotencyKey.words)")
        }
        // Of a photo, the query says what it shows.
        let asked = request.query.isEmpty ? request.body : Array(request.query.utf8) + [0] + request.body
        return IdempotencyKey(
            caller: access.login, route: request.method + " " + request.path, key: key, body: asked)
    }

    /// Puts it on record that somebody was sent away. A caller who keeps knocking must not fill the disk with it.
    private func recordDenial(_ request: ControlRequest, _ caller: Caller) async {
        guard denials.isToBeRecorded(caller, at: clock().steady) else { return }
        await recordDenial("\(request.method.prefix(20)) \(request.path.prefix(200))", caller.name)
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
