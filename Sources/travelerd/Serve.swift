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
            if ledger.plant == Plant() {
                log.notice("there is no site file yet; apply one: travelerctl site apply FILE")
            }
            notify.ready()
        }
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: Scanners(devices: devices)), .init(service: Printer.Queue(printing: printing)),
                    .init(service: WebhookSender(ledger: ledger, log: log)),
                    .init(service: Watchdog(notify: notify, ledger: ledger)), .init(service: server),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: log)
        )
        log.info("starting")
        do {
            _ = try await ledger.submit(.recordStart(version: Release.version), by: .system) { _, _ in
                StoredAnswer(status: 200, body: [])
            }
        } catch {
            // A full disk: the stations say so at their scans, and work goes on once there is room.
            log.error("cannot record the start: \(error)")
        }
        try await group.run()
        notify.stopping()
        log.info("stopped")
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
