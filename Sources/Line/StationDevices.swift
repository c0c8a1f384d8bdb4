import Barcodes
public import Devices
import Labels
public import Ledger
public import Logging
import Synchronization
public import Tracking

/// The scanners of the plant: which are there, what they read, what their operators are told, and how they become a
/// station's.
public final class StationDevices: Sendable {
    /// What is known of a bound scanner since the start.
    struct Known: Sendable {
        var isConnected = false
        /// Why it is away.
        var reason = "not looked for yet"
        /// Its own name, once it was there.
        var name: String?
        /// Since when it is there or away, in milliseconds since 1970.
        var since: Int64 = 0
        var scans = 0
        var errors = 0
    }

    struct Book: Sendable {
        var scanners: [DeviceAddress: Known] = [:]
        /// When a device last read something, in milliseconds since 1970.
        var lastScans: [String: Int64] = [:]
        /// The station of each scanner.
        var owners: [DeviceAddress: String] = [:]
        /// A disk that is full then stays so: nothing is tried again.
        var isStopping = false
        /// The last pairing of each station.
        var pairings: [String: Pairing] = [:]
    }

    /// That a device came or went.
    private struct Plug: Sendable {
        var device: DeviceAddress
        var station: String
        var isConnected: Bool
        var note: String
    }

    let ledger: Ledger
    let printing: Printing
    let inventory: Inventory
    let log: Logger
    let clock: @Sendable () -> Int64
    let book = Mutex(Book())
    private let loop: ScannerLoop
    private let plugs: AsyncStream<Plug>
    private let whenPlugged: AsyncStream<Plug>.Continuation
    private let arrivals: Arrivals

    /// What the loop's thread tells, kept until there is somebody to tell.
    private final class Arrivals: Sendable {
        private let state = Mutex<(backlog: [ScannerEvent], handler: (@Sendable (ScannerEvent) -> Void)?)>(([], nil))

        func take(_ event: ScannerEvent) {
            let handler = state.withLock { state in
                if state.handler == nil { state.backlog.append(event) }
                return state.handler
            }
            handler?(event)
        }

        func handle(_ handler: @escaping @Sendable (ScannerEvent) -> Void) {
            state.withLock { state in
                // Under the lock: nothing that comes now may overtake what came before.
                state.backlog.forEach(handler)
                state = ([], handler)
            }
        }
    }

    /// Looks for devices, and opens none before `run`.
    /// - Parameters:
    ///   - printing: prints the stations' slips, and learns of printers that come.
    ///   - inventory: is kept up to date with what is plugged in.
    /// - Throws: `ScannerLoop.Failure`.
    public init(
        ledger: Ledger, printing: Printing, inventory: Inventory, log: Logger,
        clock: @escaping @Sendable () -> Int64 = Ledger.systemClock
    ) throws(ScannerLoop.Failure) {
        (self.ledger, self.printing, self.inventory) = (ledger, printing, inventory)
        (self.log, self.clock) = (log, clock)
        (plugs, whenPlugged) = AsyncStream.makeStream()
        let arrivals = Arrivals()
        self.arrivals = arrivals
        loop = try ScannerLoop { event in arrivals.take(event) }
        let intake = ScannerIntake(ledger: ledger) { [weak self] outcome, device in self?.answered(outcome, device) }
        arrivals.handle { [weak self] event in self?.take(event, intake) }
    }

    /// Reads the plant's scanners until the task is cancelled, and puts on record which were there.
    public func run() async {
        let recent = (try? await ledger.read { try $0.recentScans() }) ?? [:]
        book.withLock { $0.lastScans = recent }
        let changes = ledger.committed { $0.event.kind == .plantChanged }
        // Not a child of this task: what happens at its end is still to be written down.
        let journal = Task { await self.keepJournal() }
        bind()
        for await _ in changes { bind() }
        loop.stop()
        let (owners, scanners) = book.withLock { ($0.owners, $0.scanners) }
        for (device, station) in owners where scanners[device]?.isConnected == true {
            whenPlugged.yield(Plug(device: device, station: station, isConnected: false, note: "travelerd stopped"))
        }
        whenPlugged.finish()
        book.withLock { $0.isStopping = true }
        await journal.value
    }

    private func bind() {
        let scanners = ledger.plant.stations.values.filter { !$0.retired }.flatMap(\.scanners)
            .map {
                BoundScanner($0.device, layout: KeyboardLayout(rawValue: $0.layout) ?? .us, baud: $0.baud ?? 9_600)
            }
        // A scanner that goes to another station stays connected: it leaves the one, and comes to the other.
        let owners = ledger.plant.scannerOwners
        let before = book.withLock { book in
            defer { book.owners = owners }
            return book.owners.filter { owners[$0.key] != $0.value && book.scanners[$0.key]?.isConnected == true }
        }
        for (device, station) in before {
            let new = owners[device]
            let note = new.map { "bound to \($0) now" } ?? "no longer bound to a station"
            whenPlugged.yield(Plug(device: device, station: station, isConnected: false, note: note))
            if let new {
                let note = "bound to \(station) before"
                whenPlugged.yield(Plug(device: device, station: new, isConnected: true, note: note))
            }
        }
        // Last: what the loop tells of it must not come first.
        loop.bind(scanners.sorted { $0.address.description < $1.address.description })
    }

    /// Puts on record that devices came and went, in their order; a full disk delays it.
    private func keepJournal() async {
        for await plug in plugs {
            let station = plug.station
            let command = Command.recordDevice(
                plug.device, station: station, isConnected: plug.isConnected, note: plug.note)
            while true {
                do {
                    _ = try await ledger.submit(command, by: .system) { _, _ in StoredAnswer(status: 200, body: []) }
                    break
                } catch {
                    log.error(
                        "cannot record that a scanner came or went: \(error)", metadata: ["station": "\(station)"])
                    if book.withLock({ $0.isStopping }) { return }
                    try? await Task.sleep(for: .seconds(1))
                }
            }
        }
    }

    // MARK: What the loop tells

    private func take(_ event: ScannerEvent, _ intake: ScannerIntake) {
        switch event {
        case .present(let devices):
            let changed = inventory.replace(with: devices).filter { $0.kind == .printer }
            let printers = changed.isEmpty ? [] : Set(ledger.plant.stations.values.flatMap(\.printers))
            for printer in printers {
                guard let address = DeviceAddress(parsing: printer), changed.contains(where: address.matches) else {
                    continue
                }
                // Also when one goes: of two with the same serial number, the other is meant now.
                if !inventory.devices(at: address).isEmpty { printing.wake(printer) }
            }
        case .connected(let scanner, let name):
            note(scanner.address, isConnected: true, name)
            log.info("scanner connected", metadata: ["device": "\(scanner.address)", "name": "\(name)"])
        case .disconnected(let scanner, let reason):
            note(scanner.address, isConnected: false, reason)
            log.notice("scanner away: \(reason)", metadata: ["device": "\(scanner.address)"])
        case .frame(let frame, let scanner):
            book.withLock { book in
                book.lastScans[scanner.address.description] = clock()
                book.scanners[scanner.address, default: Known()].scans += 1
                if frame.outcome != .complete { book.scanners[scanner.address]?.errors += 1 }
            }
            intake.take(frame, from: scanner.address)
        case .heard(let code, let device, let layout):
            Task { await self.heard(code, device, layout) }
        }
    }

    private func note(_ device: DeviceAddress, isConnected: Bool, _ text: String) {
        let isNews = book.withLock { book in
            var known = book.scanners[device] ?? Known()
            defer { book.scanners[device] = known }
            let isNews = book.scanners[device] == nil || known.isConnected != isConnected
            if isNews { known.since = clock() }
            known.isConnected = isConnected
            if isConnected { known.name = text } else { known.reason = text }
            return isNews
        }
        // That it is away for another reason is no news for the record.
        guard isNews, let station = ledger.plant.station(ofScanner: device)?.name else { return }
        whenPlugged.yield(Plug(device: device, station: station, isConnected: isConnected, note: text))
    }

    // MARK: What operators are told

    private func answered(_ outcome: ScannerIntake.Outcome, _ device: DeviceAddress) {
        switch outcome {
        case .answered(let answer):
            if answer.reason == .storageFull {
                log.error("a scan did not count: it could not be written", metadata: ["station": "\(answer.station)"])
            } else {
                log.debug(
                    "\(answer.message)", metadata: ["station": "\(answer.station)", "result": "\(answer.result)"])
            }
            let signal: Signal =
                switch answer.result {
                case .accepted: .accepted
                case .ignored: .ignored
                case .refused: .refused
                }
            show(signal, at: device)
            printSlip(of: answer)
        case .lost(let station, let error):
            log.error("a scan did not count: \(error)", metadata: ["station": "\(station)"])
            show(.refused, at: device)
        case .unbound:
            log.warning("a scan from a scanner that no station is bound to", metadata: ["device": "\(device)"])
        }
    }

    private func show(_ signal: Signal, at device: DeviceAddress) {
        loop.signal(signal, at: device)
    }

    private func printSlip(of answer: ScanAnswer) {
        guard let station = ledger.plant.stations[answer.station], let slips = station.slips,
            let printer = station.printers.first, slips == .all || answer.result == .refused
        else { return }
        let seconds = answer.at / 1_000
        let date = ledger.zone.localDate(atUnixSeconds: seconds)
        let slip = Slip(
            heading: answer.result.rawValue.uppercased(),
            lines: [answer.serial ?? answer.code, answer.message].filter { !$0.isEmpty },
            time: "\(station.name)  \(date) \(clockTime(seconds, ledger.zone))")
        printing.slip(slip.zpl, on: printer)
    }

    // MARK: What others ask

    /// Whether all scanners of a station are connected; nil where none is bound.
    public func isConnected(station name: String) -> Bool? {
        guard let bound = ledger.plant.stations[name]?.scanners, !bound.isEmpty else { return nil }
        return book.withLock { book in bound.allSatisfy { book.scanners[$0.device]?.isConnected ?? false } }
    }

    /// A sentence for each bound scanner that is away, and each printer that can't print.
    public var problems: [String] {
        ledger.plant.stations.values.filter { !$0.retired }.sorted { $0.name < $1.name }.flatMap { station in
            problems(ofStation: station.name).map { "\(station.name): \($0)" }
        }
    }

    /// What is wrong with the scanners and printers of one station, a sentence each.
    public func problems(ofStation name: String) -> [String] {
        guard let station = ledger.plant.stations[name] else { return [] }
        let known = book.withLock { $0.scanners }
        let scanners = station.scanners.compactMap { scanner -> String? in
            guard let scanned = known[scanner.device], !scanned.isConnected else { return nil }
            return "no scanner at \(scanner.device): \(scanned.reason)"
        }
        let printers = station.printers.compactMap { printer in
            printing.condition(of: printer)?.problem.map { "printer \(printer): \($0)" }
        }
        return scanners + printers
    }

    // MARK: Pairing

    /// Shows a station a code, and makes the scanner that reads it within a minute the station's.
    /// - Parameter prints: whether the code is printed at the station as well.
    /// - Throws: `Refusal` where there is no such station, or no printer for the code.
    public func pair(
        station name: String, by key: Pairing.Key?, prints: Bool = false, for access: Access
    ) throws(Refusal) -> Pairing {
        guard let station = ledger.plant.stations[name], !station.retired else {
            throw Refusal(.notFound, "there is no station \(name)")
        }
        if prints, station.printers.isEmpty {
            throw Refusal(.invalid, "\(name) has no printer; read the code from the terminal")
        }
        let pairing = Pairing(station: name, key: key, access: access, at: clock())
        book.withLock { $0.pairings[name] = pairing }
        listen()
        if prints, let printer = station.printers.first {
            let slip = Slip(heading: "PAIR \(name)", lines: ["Scan within a minute."], barcode: pairing.code)
            printing.slip(slip.zpl, on: printer)
        }
        Task {
            try? await Task.sleep(for: .milliseconds(Pairing.lifetime))
            self.settle(pairing, .expired)
        }
        return pairing
    }

    /// The last pairing of a station since the start; nil where there was none.
    public func pairing(ofStation name: String) -> Pairing? { book.withLock { $0.pairings[name] } }

    private func listen() {
        let codes = book.withLock { book in book.pairings.values.filter { $0.state == .waiting }.map(\.code) }
        loop.listen(for: Set(codes))
    }

    /// Ends a pairing that still waits; one that was begun anew has another code.
    private func settle(_ pairing: Pairing, _ state: Pairing.State) {
        book.withLock { book in
            guard book.pairings[pairing.station]?.code == pairing.code,
                book.pairings[pairing.station]?.state == .waiting
            else { return }
            book.pairings[pairing.station]?.state = state
        }
        listen()
    }

    private func heard(_ code: String, _ device: Device, _ layout: KeyboardLayout?) async {
        let waiting = book.withLock { book in
            let found = book.pairings.values.first {
                $0.code == code && $0.state == .waiting && !$0.isTaken && clock() < $0.expiresAt
            }
            // The same code may come twice in a row.
            if let found { book.pairings[found.station]?.isTaken = true }
            return found
        }
        guard let pairing = waiting else { return }
        do {
            let address = try address(of: device, by: pairing.key)
            let binding = ScannerBinding(address, layout: layout?.rawValue ?? "us")
            try await change(pairing.access) { plant throws(Refusal) in
                if let owner = plant.station(ofScanner: address) {
                    throw Refusal(.conflict, "\(address) is bound to \(owner.name) already; unbind it first")
                }
                guard var station = plant.stations[pairing.station], !station.retired else {
                    throw Refusal(.notFound, "the station \(pairing.station) is no more")
                }
                station.scanners.append(binding)
                return [.station(station)]
            }
            log.notice("scanner paired", metadata: ["station": "\(pairing.station)", "device": "\(address)"])
            settle(pairing, .paired(address, layout: binding.layout))
        } catch let refusal as Refusal {
            settle(pairing, .failed(refusal.message))
        } catch {
            settle(pairing, .failed("\(error)"))
        }
    }

    /// The address by which a device is bound.
    private func address(of device: Device, by key: Pairing.Key?) throws(Refusal) -> DeviceAddress {
        guard key == .serial || key == nil && device.port == nil else {
            if let socket = device.socket { return .port(socket) }
            throw Refusal(
                .invalid, "\(device.name) is plugged in nowhere that has a name; pair it by its serial number")
        }
        guard let serial = device.serials.first else {
            guard key == nil else {
                throw Refusal(
                    .invalid, "\(device.name) has no serial number; pair it by the port where it is plugged in")
            }
            return .node(device.node)
        }
        let address = DeviceAddress.serial(serial)
        let others = Set(inventory.devices(at: address).map(\.body)).subtracting([device.body])
        guard others.isEmpty else {
            throw Refusal(
                .conflict, "\(others.count + 1) devices have the serial number \(serial); pair them by their ports")
        }
        return address
    }

    /// Takes a scanner from its station.
    /// - Throws: `Refusal` where no station has it; `StorageError`.
    public func unbind(_ device: DeviceAddress, for access: Access) async throws {
        try await change(access) { plant throws(Refusal) in
            guard var station = plant.station(ofScanner: device) else {
                throw Refusal(.notFound, "no station has a scanner \(device); see travelerctl device list")
            }
            station.scanners.removeAll { $0.device == device }
            return [.station(station)]
        }
        book.withLock { $0.scanners[device] = nil }
    }

    private func change(
        _ access: Access, _ changes: @escaping @Sendable (Plant) throws(Refusal) -> [PlantChange]
    ) async throws {
        _ = try await ledger.submit(.changePlant(changes), by: .person(access)) { _, _ in
            StoredAnswer(status: 200, body: [])
        }
    }
}
