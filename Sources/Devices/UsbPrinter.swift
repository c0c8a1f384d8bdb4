internal import CLinux
internal import Glibc
internal import Labels
internal import Synchronization
public import Tracking

/// The USB label printers of this machine (`usblp`): which are plugged in, and how they are.
public final class UsbPrinters: Sendable {
    private let present: @Sendable (DeviceAddress) -> [Device]
    private let patience: Duration
    /// Whether the printer at a node answers that was asked for its host status. The inode is another one each time that
    /// one is plugged in there.
    private let answers = Mutex<[String: (inode: ino_t, speaks: Bool)]>([:])

    /// - Parameter present: the devices that are plugged in now and that an address means.
    public convenience init(present: @escaping @Sendable (_ address: DeviceAddress) -> [Device]) {
        self.init(patience: .seconds(10), present: present)
    }

    /// - Parameter patience: how long a printer that reports no trouble may make no progress.
    init(patience: Duration, present: @escaping @Sendable (_ address: DeviceAddress) -> [Device]) {
        (self.patience, self.present) = (patience, present)
    }

    /// Opens the one printer that an address means; nobody else can until it is closed.
    func open(_ address: DeviceAddress) throws(Printer.Failure) -> UsbPrinterPort {
        let found = present(address).filter { $0.kind == .printer }
        guard let device = found.min(by: { $0.node < $1.node }) else {
            throw Printer.Failure(.offline, "it is not plugged in, or is switched off")
        }
        let bodies = Dictionary(found.map { ($0.body, $0.port ?? $0.node) }) { first, _ in first }
        guard bodies.count == 1 else {
            let places = bodies.values.sorted().map { "port:\($0)" }.joined(separator: ", ")
            throw Printer.Failure(
                .ambiguous,
                "\(bodies.count) printers that are plugged in have this serial number; name one by its port: \(places)")
        }
        return try UsbPrinterPort(
            node: device.node, speaksZPL: device.printerID.map(HostStatus.isSpoken) ?? false, patience: patience)
    }

    /// Makes sure that a printer is ready to print.
    /// - Returns: what it said of itself; nil where it doesn't speak of itself.
    /// - Throws: what keeps it from printing.
    func readiness(of port: UsbPrinterPort) throws(Printer.Failure) -> HostStatus? {
        let portCondition = port.condition ?? .ready
        // It would not answer, and the request would stand in the way of the label.
        if portCondition == .paperOut { throw Printer.Failure(portCondition) }
        let known = answers.withLock { $0[port.node].flatMap { $0.inode == port.inode ? $0.speaks : nil } }
        if port.speaksZPL && known != false {
            switch port.askHostStatus() {
            case .answered(let status):
                answers.withLock { $0[port.node] = (port.inode, true) }
                guard status.condition == .ready else { throw Printer.Failure(status.condition) }
                return status
            case .notTaken:
                if port.isGone { throw port.unplugged }
                if portCondition != .ready { throw Printer.Failure(portCondition) }
                throw Printer.Failure(.offline, "it takes no data; look at its display, or switch it off and on")
            case .silent:
                if port.isGone { throw port.unplugged }
                if portCondition != .ready { throw Printer.Failure(portCondition) }
                guard known == nil else {
                    throw Printer.Failure(.fault, "it does not say how it is; look at its display and lamps")
                }
                // One that never speaks is not asked again: each time would cost a second.
                answers.withLock { $0[port.node] = (port.inode, false) }
            }
        }
        guard portCondition == .ready else { throw Printer.Failure(portCondition) }
        return nil
    }
}
