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
        /// Whether each USB printer of each station is plugged in; nil until udev has told what is.
        var printers: [PrinterPlace: Bool]?
        /// A disk that is full then stays so: nothing is tried again.
        var isStopping = false
        /// The last pairing of each station.
        var pairings: [String: Pairing] = [:]
    }

    /// A USB printer of a station; several stations may have the same.
    struct PrinterPlace: Hashable, Sendable {
        var printer: DeviceAddress
        var station: String
    }

    /// What comes to the writer of the record.
    private enum JournalEntry: Sendable {
        case plug(Plug)
        /// Changes that were held are due.
        case time
    }

    let ledger: Ledger
    let printing: Printing
    let inventory: Inventory
    let log: Logger
    let clock: @Sendable () -> Moment
    let book = Mutex(Book())
    private let loop: ScannerLoop
    private let entries: AsyncStream<JournalEntry>
    private let journal: AsyncStream<JournalEntry>.Continuation
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
        clock: @escaping @Sendable () -> Moment = Ledger.systemClock
    ) throws(ScannerLoop.Failure) {
        (self.ledger, self.printing, self.inventory) = (ledger, printing, inventory)
        (self.log, self.clock) = (log, clock)
        (entries, journal) = AsyncStream.makeStream()
        let arrivals = Arrivals()
        self.arrivals = arrivals
        loop = try ScannerLoop { event in arrivals.take(event) }
        let intake = ScannerIntake(ledger: ledger) { [weak self] outcome, device in self?.answered(outcome, device) }
        arrivals.handle { [weak self] event in self?.take(event, intake) }
    }

    /// Reads the plant's scanners until the task is cancelled, and puts on record which were there.
    public func run() async {
        await recallScans()
        let changes = ledger.committed { $0.event.kind == .plantChanged }
        // Not a child of this task: what happens at its end is still to be written down.
        let keeper = Task { await self.keepJournal() }
        bind()
        for await _ in changes { bind() }
        loop.stop()
        book.withLock { book in
            book.isStopping = true
            let scanners = book.owners.filter { book.scanners[$0.key]?.isConnected == true }.map { ($0.key, $0.value) }
            let printers = (book.printers ?? [:]).filter(\.value).map { ($0.key.printer, $0.key.station) }
            for (device, station) in scanners + printers { record(device, station, false, "travelerd stopped") }
        }
        journal.finish()
        await keeper.value
    }

    /// Puts on record that a device came or went; under the lock of the book, so that the record has the book's order.
    private func record(_ device: DeviceAddress, _ station: String, _ isConnected: Bool, _ note: String) {
        journal.yield(.plug(Plug(device: device, station: station, isConnected: isConnected, note: note)))
    }

    /// Takes the plant of a ledger that was opened only now.
    public func ledgerOpened() async {
        await recallScans()
        bind()
    }

    private func recallScans() async {
        let recent = (try? await ledger.read { try $0.recentScans() }) ?? [:]
        book.withLock { $0.lastScans.merge(recent) { max($0, $1) } }
    }

    private func bind() {
        let scanners = ledger.plant.stations.values.filter { !$0.retired }.flatMap(\.scanners)
            .map {
                BoundScanner($0.device, layout: KeyboardLayout(rawValue: $0.layout) ?? .us, baud: $0.baud ?? 9_600)
            }
        // A scanner that goes to another station stays connected: it leaves the one, and comes to the other.
        let owners = ledger.plant.scannerOwners
        book.withLock { book in
            let before = book.owners
            book.owners = owners
            for (device, known) in book.scanners where known.isConnected && before[device] != owners[device] {
                let (old, new) = (before[device], owners[device])
                if let old { record(device, old, false, new.map { "bound to \($0) now" } ?? Self.unbound) }
                if let new { record(device, new, true, old.map { "bound to \($0) before" } ?? known.name ?? "") }
            }
        }
        lookAtPrinters()
        // Last: what the loop tells of it must not come first.
        loop.bind(scanners.sorted { $0.address.description < $1.address.description })
    }

    private static let unbound = "no longer bound to a station"

    /// Sees which of the stations' USB printers are plugged in, and puts on record what is news.
    private func lookAtPrinters() {
        book.withLock { book in
            guard let before = book.printers else { return }
            var places: [PrinterPlace: Device?] = [:]
            for station in ledger.plant.stations.values where !station.retired {
                for address in station.printers.compactMap(DeviceAddress.init(parsing:)) {
                    let device = inventory.devices(at: address).first { $0.kind == .printer }
                    places[PrinterPlace(printer: address, station: station.name)] = .some(device)
                }
            }
            book.printers = places.mapValues { $0 != nil }
            for (place, wasThere) in before where wasThere && places[place] == nil {
                record(place.printer, place.station, false, "printer \(Self.unbound)")
            }
            for (place, device) in places where before[place] != (device != nil) {
                let note = device?.name ?? (before[place] == nil ? "not plugged in" : "unplugged")
                record(place.printer, place.station, device != nil, "printer \(note)")
            }
        }
    }

    /// Puts on record that devices came and went, in their order; a full disk delays it.
    private func keepJournal() async {
        var limit = PlugLimit()
        var isTimed = false
        for await entry in entries {
            switch entry {
            case .plug(let plug):
                if let plug = limit.take(plug, at: clock().steady) { await write(plug) }
            case .time:
                isTimed = false
                for plug in limit.release(at: clock().steady) { await write(plug) }
            }
            guard !isTimed, let due = limit.due else { continue }
            isTimed = true
            let pause = min(max(0, due - clock().steady), PlugLimit.window)
            Task { [journal] in
                try? await Task.sleep(for: .milliseconds(pause))
                journal.yield(.time)
            }
        }
        for plug in limit.release(at: .max) { await write(plug) }
    }

    private func write(_ plug: Plug) async {
        let command = Command.recordDevice(
            plug.device, station: plug.station, isConnected: plug.isConnected, note: plug.note)
        var isLogged = false
        while true {
            do {
                _ = try await ledger.submit(command, by: .system) { _, _ in StoredAnswer(status: 200, body: []) }
                return
            } catch {
                if !isLogged {
                    log.error(
                        "cannot record that a device came or went, and goes on trying: \(error)",
                        metadata: ["station": "\(plug.station)"])
                }
                isLogged = true
                if book.withLock({ $0.isStopping }) { return }
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    // MARK: What the loop tells

    private func take(_ event: ScannerEvent, _ intake: ScannerIntake) {
        switch event {
        case .present(let devices):
            let changed = inventory.replace(with: devices).filter { $0.kind == .printer }
            book.withLock { $0.printers = $0.printers ?? [:] }
            let printers = changed.isEmpty ? [] : Set(ledger.plant.stations.values.flatMap(\.printers))
            for printer in printers {
                guard let address = DeviceAddress(parsing: printer), changed.contains(where: address.matches) else {
                    continue
                }
                // How it was is how another one was, or this one before.
                printing.forget(printer)
                // Also when one goes: of two with the same serial number, the other is meant now.
                if !inventory.devices(at: address).isEmpty { printing.wake(printer) }
            }
            lookAtPrinters()
        case .connected(let scanner, let name):
            note(scanner.address, isConnected: true, name)
            log.info("scanner connected", metadata: ["device": "\(scanner.address)", "name": "\(name)"])
        case .disconnected(let scanner, let reason):
            note(scanner.address, isConnected: false, reason)
            log.notice("scanner away: \(reason)", metadata: ["device": "\(scanner.address)"])
        case .frame(let frame, let scanner):
            book.withLock { book in
                book.lastScans[scanner.address.description] = clock().wall
                book.scanners[scanner.address]?.scans += 1
                if frame.outcome != .complete { book.scanners[scanner.address]?.errors += 1 }
            }
            intake.take(frame, from: scanner.address)
        case .heard(let code, let device, let layout):
            Task { await self.heard(code, device, layout) }
        }
    }

    private func note(_ device: DeviceAddress, isConnected: Bool, _ text: String) {
        book.withLock { book in
            // What it was before does not count when it is bound again.
            guard let station = book.owners[device] else { return book.scanners[device] = nil }
            var known = book.scanners[device] ?? Known()
            let isNews = book.scanners[device] == nil || known.isConnected != isConnected
            if isNews { known.since = clock().wall }
            known.isConnected = isConnected
            if isConnected { known.name = text } else { known.reason = text }
            book.scanners[device] = known
            // That it is away for another reason is no news for the record.
            if isNews { record(device, station, isConnected, text) }
        }
    }

    // MARK: What operators are told

    private func answered(_ outcome: ScannerIntake.Outcome, _ device: DeviceAddress) {
        switch outcome {
        case .answered(let answer):
            if answer.reason == .storageFull {
                log.error("\(answer.message)", metadata: ["station": "\(answer.station)"])
            } else {
                log.log(
                    level: answer.result == .refused ? .info : .debug, "\(answer.message)",
                    metadata: ["station": "\(answer.station)", "result": "\(answer.result)"])
            }
            let signal: Signal =
                switch answer.outcome {
                case .refused: .refused
                case .readTwice: .ignored
                default: .accepted
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
            let printer = station.printers.first, slips == .all || answer.outcome == .refused
        else { return }
        let seconds = answer.at / 1_000
        let date = ledger.zone.localDate(atUnixSeconds: seconds)
        let slip = Slip(
            heading: answer.outcome.rawValue,
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
        let (known, present) = book.withLock { ($0.scanners, $0.printers ?? [:]) }
        let scanners = station.scanners.compactMap { scanner -> String? in
            guard let scanned = known[scanner.device], !scanned.isConnected else { return nil }
            return "no scanner at \(scanner.device): \(scanned.reason)"
        }
        let printers = station.printers.compactMap { printer in
            let place = DeviceAddress(parsing: printer).map { PrinterPlace(printer: $0, station: name) }
            let isAway = place.flatMap { present[$0] } == false
            let problem = isAway ? "not plugged in, or switched off" : printing.condition(of: printer)?.problem
            return problem.map { "printer \(printer): \($0)" }
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
            throw Refusal(.notFound, "there is no station \(name.shown)")
        }
        if prints, station.printers.isEmpty {
            throw Refusal(.invalid, "\(name) has no printer; read the code from the terminal")
        }
        let pairing = Pairing(station: name, key: key, access: access, at: clock().steady)
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
            guard book.pairings[pairing.station]?.code == pairing.code else { return }
            book.pairings[pairing.station]?.end(state)
        }
        listen()
    }

    private func heard(_ code: String, _ device: Device, _ layout: KeyboardLayout?) async {
        let waiting = book.withLock { book in
            let found = book.pairings.values.first {
                $0.code == code && $0.state == .waiting && !$0.isTaken && clock().steady < $0.expiresAt
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
    }

    private func change(
        _ access: Access, _ changes: @escaping @Sendable (Plant) throws(Refusal) -> [PlantChange]
    ) async throws {
        _ = try await ledger.submit(.changePlant(changes), by: .person(access)) { _, _ in
            StoredAnswer(status: 200, body: [])
        }
    }
}
