import ArgumentParser
import Barcodes
import ControlAPI
import ControlServer
import Devices
import Glibc
import Labels
import Ledger
import Line
import Logging
import ServiceLifecycle
import Synchronization
import Tracking
import UnixSignals

/// `travelerd serve`
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the stations and the control socket until told to stop.",
        discussion: """
            Example:
              travelerd serve --directory /tmp/plant --socket /tmp/plant/control.sock
            """)

    @OptionGroup var place: Place
    @Option(
        help: ArgumentHelp(
            "The control socket (default: $RUNTIME_DIRECTORY/control.sock, else /run/traveler/control.sock).",
            valueName: "path"))
    var socket: String?

    func run() async throws {
        LoggingSystem.bootstrap { label -> any LogHandler in
            if let journal = JournalLog(label: label) { return journal }
            return ConsoleLog()
        }
        let log = Logger(label: "travelerd")
        let directory = place.path
        let socket = socket ?? (environment("RUNTIME_DIRECTORY") ?? "/run/traveler") + "/control.sock"
        do {
            try makeDirectory(directory)
            let lock = try DaemonLock(directory: directory)
            let ledger = try Ledger(directory: directory)
            defer { ledger.close() }
            try await serve(ledger, directory, socket, log)
            withExtendedLifetime(lock) {}
        } catch {
            log.critical("\(error)")
            throw ExitCode(1)
        }
    }

    private func makeDirectory(_ path: String) throws {
        guard mkdir(path, 0o750) != 0, errno != EEXIST else { return }
        throw StorageError(.readOnly, "cannot make the directory \(path): \(String(cString: strerror(errno)))")
    }

    private func serve(_ ledger: Ledger, _ directory: String, _ socket: String, _ log: Logger) async throws {
        let notify = SystemNotify()
        let scanners = try Scanners(ledger: ledger, log: log)
        let printing = Printing(
            ledger: ledger,
            fill: { job throws(PrintFailure) in try await fillLabel(job, in: ledger) },
            send: { job, label throws(PrintFailure) in try sendLabel(job, label, directory) })
        let peers = Peers()
        let control = Control(
            ledger: ledger, version: Release.version, startedAt: Ledger.systemClock(),
            problems: { scanners.problems }, hasScanner: { scanners.isConnected(station: $0) },
            refresh: { await peers.caller(uid: $0.uid) }, logger: log)
        let server = ControlServer(control, peers: peers, path: socket, logger: log) {
            log.info("ready", metadata: ["socket": "\(socket)", "ledger": "\(directory)"])
            if ledger.plant == Plant() {
                log.notice("there is no site file yet; apply one: travelerctl site apply FILE")
            }
            notify.ready()
        }
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: scanners), .init(service: Printer.Queue(printing: printing)),
                    .init(service: Watchdog(notify: notify, ledger: ledger)), .init(service: server),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: log)
        )
        log.info("starting")
        try await group.run()
        notify.stopping()
        log.info("stopped")
    }
}

/// The bound scanners, as the plant says they are.
private struct Scanners: Service {
    let ledger: Ledger
    let log: Logger
    let loop: ScannerLoop
    /// Why a node is away, by its path; nil where it is connected.
    private let nodeStates: NodeStates

    private final class NodeStates: Sendable {
        let away = Mutex<[String: String?]>([:])
    }

    init(ledger: Ledger, log: Logger) throws {
        (self.ledger, self.log) = (ledger, log)
        let intake = ScannerIntake(ledger: ledger) { outcome in
            switch outcome {
            case .answered(let answer) where answer.reason == .storageFull:
                log.error("a scan did not count: it could not be written", metadata: ["station": "\(answer.station)"])
            case .answered(let answer):
                log.debug(
                    "\(answer.message)", metadata: ["station": "\(answer.station)", "result": "\(answer.result)"])
            case .lost(let station, let error):
                log.error("a scan did not count: \(error)", metadata: ["station": "\(station)"])
            case .unbound(let node):
                log.warning("a scan from a scanner that no station is bound to", metadata: ["node": "\(node)"])
            }
        }
        let states = NodeStates()
        nodeStates = states
        loop = try ScannerLoop { event in
            switch event {
            case .connected(let node, let name):
                states.away.withLock { $0[node.path] = .some(nil) }
                log.info("scanner connected", metadata: ["node": "\(node.path)", "name": "\(name)"])
            case .disconnected(let node, let reason):
                states.away.withLock { $0[node.path] = reason }
                log.notice("scanner away: \(reason)", metadata: ["node": "\(node.path)"])
            case .frame(let frame, let node): intake.take(frame, from: node.path)
            }
        }
    }

    func run() async throws {
        let changes = ledger.committed { $0.event.kind == .plantChanged }
        loop.bind(nodes)
        for await _ in changes.cancelOnGracefulShutdown() { loop.bind(nodes) }
        loop.stop()
    }

    /// Whether all scanners of a station are connected; nil where none is bound.
    func isConnected(station name: String) -> Bool? {
        guard let bound = ledger.plant.stations[name]?.scanners, !bound.isEmpty else { return nil }
        return nodeStates.away.withLock { away in bound.allSatisfy { away[$0.node] == .some(nil) } }
    }

    /// A sentence for each bound scanner that is away.
    var problems: [String] {
        let away = nodeStates.away.withLock { $0 }
        let stations = ledger.plant.stations.values.filter { !$0.retired }.sorted { $0.name < $1.name }
        return stations.flatMap { station in
            station.scanners.compactMap { scanner in
                guard let reason = away[scanner.node] ?? nil else { return nil }
                return "\(station.name) has no scanner: \(scanner.node): \(reason)"
            }
        }
    }

    private var nodes: [ScannerNode] {
        ledger.plant.stations.values.filter { !$0.retired }.flatMap(\.scanners).map {
            ScannerNode(path: $0.node, layout: KeyboardLayout(rawValue: $0.layout) ?? .us)
        }
    }
}

extension Printer {
    /// Prints what is queued until the daemon stops.
    fileprivate struct Queue: Service {
        let printing: Printing
        func run() async throws {
            try await cancelWhenGracefulShutdown { try await printing.run() }
        }
    }
}

/// Tells systemd that the daemon is alive, as long as the ledger answers.
private struct Watchdog: Service {
    let notify: SystemNotify
    let ledger: Ledger

    func run() async throws {
        guard let interval = notify.watchdogInterval else {
            try? await gracefulShutdown()
            return
        }
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                if (try? await ledger.read { try $0.number("SELECT 1") }) == 1 { notify.watchdog() }
                try? await Task.sleep(for: interval / 3)
            }
        }
    }
}

/// The bytes of a job's label.
private func fillLabel(_ job: LabelJob, in ledger: Ledger) async throws(PrintFailure) -> [UInt8] {
    let plant = ledger.plant
    guard let product = plant.products[job.product], let name = product.label, let design = plant.labels[name] else {
        throw PrintFailure(
            "the product \(job.product) has no label design; give it one in the site file, then retry the job",
            isRetryable: false)
    }
    do {
        let (iteration, order) = try await ledger.read { try $0.labelSubject(job.serial) }
        let fields = labelFields(
            serial: job.serial, iteration: iteration, product: product, order: order, time: Ledger.systemClock(),
            zone: ledger.zone)
        return Array(try LabelTemplate(design.zpl).filled(copy: job.copy, with: fields).utf8)
    } catch {
        throw PrintFailure("\(error)", isRetryable: error is StorageError)
    }
}

private func sendLabel(_ job: LabelJob, _ label: [UInt8], _ directory: String) throws(PrintFailure) {
    let address: PrinterAddress
    do throws(PrinterAddress.Problem) {
        address = try PrinterAddress(parsing: job.printer)
    } catch {
        throw PrintFailure("\(error)", isRetryable: false)
    }
    do throws(PrinterError) {
        try Printer(address, stateDirectory: directory).send(label, job: String(job.id), serial: job.serial)
    } catch {
        throw PrintFailure(error.description, isRetryable: error.isRetryable)
    }
}
