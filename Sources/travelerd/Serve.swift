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
        let place = LedgerPlace(directory)
        do {
            // What an admin has to set right is said at once; what may pass by itself is waited for.
            do {
                _ = try place.take()
            } catch let error as StorageError where [.full, .readOnly].contains(error.kind) {}
            let notify = SystemNotify()
            let ledger = Ledger(waitingFor: directory, prepare: place.take) { trouble in
                guard let trouble else {
                    notify.status("serving")
                    return log.notice("the ledger can be written again")
                }
                notify.status("\(trouble.error)")
                let cause = trouble.error.cause
                log.error("\(trouble.error)", metadata: cause.isEmpty ? [:] : ["cause": "\(cause)"])
            }
            defer { ledger.close() }
            if ledger.trouble == nil { place.noteLedger() }
            try await serve(ledger, place, socket, notify, log)
        } catch {
            log.critical("\(error)")
            throw ExitCode((error as? DaemonLock.Failure)?.isHeld == true ? Self.isHeld : 1)
        }
    }

    /// The exit status where another daemon has the directory (`EX_CANTCREAT`): to start again would not help, and the
    /// service's unit says so.
    private static let isHeld: Int32 = 73

    private func serve(
        _ ledger: Ledger, _ place: LedgerPlace, _ socket: String, _ notify: SystemNotify, _ log: Logger
    ) async throws {
        let directory = place.directory
        let inventory = Inventory()
        let usb = UsbPrinters(present: inventory.devices(at:))
        let printing = Printing(
            ledger: ledger,
            fill: { job throws(PrintFailure) in try await fillLabel(job, in: ledger) },
            send: { printer, label, job, progress throws(PrintFailure) in
                let printer = try Printer(named: printer, stateDirectory: directory, usb: usb)
                try printer.print(label, of: job, progress)
            },
            check: { printer in
                (try? Printer(named: printer, stateDirectory: directory, usb: usb))?.state
            })
        let devices = try StationDevices(ledger: ledger, printing: printing, inventory: inventory, log: log)
        let peers = Peers()
        let control = Control(
            ledger: ledger, version: Release.version, startedAt: Ledger.systemClock(),
            devices: devices, refresh: { await peers.caller(uid: $0.uid) }, logger: log)
        let server = ControlServer(control, peers: peers, path: socket, logger: log) {
            log.info("ready", metadata: ["socket": "\(socket)", "ledger": "\(directory)"])
            if ledger.isReadable, ledger.plant == Plant() {
                log.notice("there is no site file yet; apply one: travelerctl site apply FILE")
            }
            notify.ready()
        }
        let isRecorded = await Recovery.recordStart(in: ledger)
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: Scanners(devices: devices)), .init(service: Printer.Queue(printing: printing)),
                    .init(service: WebhookSender(ledger: ledger, log: log)),
                    .init(service: Recovery(ledger: ledger, place: place, devices: devices, isRecorded: isRecorded)),
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

/// The directory of the ledger, and the lock on it.
private final class LedgerPlace: Sendable {
    let directory: String
    private let lock = Mutex<DaemonLock?>(nil)

    init(_ directory: String) { self.directory = directory }

    /// Makes the directory and takes its lock, unless that is done. Returns whether there was a ledger in it.
    ///
    /// - Throws: `DaemonLock.Failure` where another daemon has it, `StorageError` for all else.
    @Sendable func take() throws -> Bool {
        try lock.withLock { lock in
            if let lock { return lock.hadLedger }
            if mkdir(directory, 0o750) != 0, errno != EEXIST {
                throw Self.error("cannot make the directory \(directory)", errno)
            }
            do throws(DaemonLock.Failure) {
                let taken = try DaemonLock(directory: directory)
                lock = taken
                return taken.hadLedger
            } catch {
                if error.isHeld { throw error }
                throw StorageError(access(directory, W_OK) == 0 ? .other : .readOnly, error.description)
            }
        }
    }

    /// Notes that there is a ledger now, so that none is begun should it be gone one day.
    func noteLedger() { lock.withLock { $0?.noteLedger() } }

    private static func error(_ what: String, _ code: Int32) -> StorageError {
        let kind: StorageError.Kind =
            switch code {
            case ENOSPC, EDQUOT: .full
            case EROFS: .readOnly
            default: .other
            }
        return StorageError(kind, "\(what): \(String(cString: strerror(code)))")
    }
}

/// While the ledger can't be opened or written, tries again and again; work then goes on by itself.
private struct Recovery: Service {
    let ledger: Ledger
    let place: LedgerPlace
    let devices: StationDevices
    /// Whether the start is on record.
    let isRecorded: Bool

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var isRecorded = isRecorded
            while (try? await Task.sleep(for: .seconds(1))) != nil {
                if await ledger.recover() {
                    place.noteLedger()
                    await devices.ledgerOpened()
                }
                if !isRecorded, ledger.trouble == nil { isRecorded = await Self.recordStart(in: ledger) }
            }
        }
    }

    /// Puts the start on record; false where that can't be done now, of which the ledger tells the cause.
    static func recordStart(in ledger: Ledger) async -> Bool {
        let recorded = try? await ledger.submit(.recordStart(version: Release.version), by: .system) { _, _ in
            StoredAnswer(status: 200, body: [])
        }
        return recorded != nil
    }
}

/// Reads the scanners until the daemon stops.
private struct Scanners: Service {
    let devices: StationDevices
    func run() async throws {
        await cancelWhenGracefulShutdown { await devices.run() }
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

/// Tells systemd that the daemon is alive, as long as a reader of the ledger comes back, be it with an error: another
/// start would not help a disk.
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
                _ = try? await ledger.read { try $0.number("SELECT 1") }
                notify.watchdog()
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
            serial: job.serial, iteration: iteration, product: product, order: order, time: Ledger.systemClock().wall,
            zone: ledger.zone)
        return Array(
            try LabelTemplate(design.zpl).filled(copy: job.copy, mayBeDouble: job.mayBeDouble, with: fields).utf8)
    } catch {
        throw PrintFailure("\(error)", isRetryable: error is StorageError)
    }
}

extension Printer {
    /// The printer of an address as jobs name it.
    fileprivate init(named text: String, stateDirectory: String, usb: UsbPrinters) throws(PrintFailure) {
        do throws(PrinterAddress.Problem) {
            self.init(try PrinterAddress(parsing: text), stateDirectory: stateDirectory, usb: usb)
        } catch {
            throw PrintFailure("\(error)", isRetryable: false)
        }
    }

    /// Prints a job's label, or a slip.
    fileprivate func print(
        _ label: [UInt8], of job: LabelJob?, _ progress: Progress
    ) throws(PrintFailure) {
        do throws(PrinterError) {
            try send(label, job: job.map { String($0.id) } ?? "slip", serial: job?.serial ?? "", progress: progress)
        } catch {
            throw PrintFailure(
                error.description, isRetryable: error.isRetryable, condition: error.reason,
                mayBePrinted: error.mayBePrinted)
        }
    }

    /// What it says of itself; nil for one that can't be asked.
    fileprivate var state: PrinterState? {
        do throws(PrinterError) {
            return try check().map { PrinterState($0) }
        } catch {
            return PrinterState(error.reason, problem: error.description)
        }
    }
}
