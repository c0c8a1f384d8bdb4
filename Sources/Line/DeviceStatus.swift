public import Devices
import Ledger
import Synchronization
import Tracking

/// A device as it stands: one that belongs to a station, there or not, or one that is plugged in and nobody's.
public struct DeviceStatus: Sendable, Equatable {
    /// Whether it can be used.
    public enum State: String, Sendable, CaseIterable {
        /// It is there, and a station's.
        case connected
        /// It is a station's, and not there.
        case absent
        /// It is there, and nobody's.
        case unbound
        /// It is a station's and there, and can't be used: the problem says why.
        case error
    }

    /// Its address: the one by which it is bound, else the one by which it would be.
    public var device: String
    /// What it does; nil for one that was never seen.
    public var kind: Device.Kind?
    /// Whether it can be used.
    public var state: State
    /// Name of its station, or of the first of the stations that share a printer.
    public var station: String?
    /// Keyboard layout of a scanner.
    public var layout: String?
    /// Path of its node, while it is plugged in.
    public var node: String?
    /// What the maker calls it.
    public var name: String?
    /// Where it is plugged in.
    public var port: String?
    /// Its serial number.
    public var serial: String?
    /// Whether its make is known as that of a scanner or label printer.
    public var isKnown = false
    /// Why it can't be used, and what to do.
    public var problem: String?
    /// Scans since the start of the daemon.
    public var scans = 0
    /// Broken ones of them.
    public var errors = 0
    /// When it last read something, in milliseconds since 1970.
    public var lastScanAt: Int64?
    /// Since when it is in this state, in milliseconds since 1970.
    public var since: Int64?

    init(device: String, state: State) { (self.device, self.state) = (device, state) }

    fileprivate mutating func describe(_ device: Device?) {
        guard let device else { return }
        (kind, node, name, port) = (device.kind, device.node, device.name, device.port)
        (serial, isKnown) = (device.serials.first, device.isKnown)
    }
}

extension StationDevices {
    /// Every device of a station, and every scanner, keyboard, serial port and printer that is plugged in; those of
    /// stations first, by station and address. Printers that are idle are asked how they are, which may take a second.
    public func list() async -> [DeviceStatus] {
        let conditions = await conditions()
        func condition(_ printer: String) -> String? { conditions[printer] ?? printing.condition(of: printer)?.problem }
        let book = book.withLock { $0 }
        let devices = inventory.devices
        let stations = ledger.plant.stations.values.filter { !$0.retired }.sorted { $0.name < $1.name }
        var list: [DeviceStatus] = []
        var taken: Set<String> = []
        for station in stations {
            for scanner in station.scanners {
                let present = devices.filter { $0.kind != .printer && scanner.device.matches($0) }
                taken.formUnion(present.map(\.node))
                list.append(status(of: scanner, station.name, present.first, book))
            }
        }
        for station in stations {
            for printer in station.printers where !list.contains(where: { $0.device == printer }) {
                guard let address = DeviceAddress(parsing: printer) else {
                    if printer.hasPrefix("file:") { continue }
                    var status = DeviceStatus(device: printer, state: .connected)
                    (status.kind, status.station, status.problem) = (.printer, station.name, condition(printer))
                    if status.problem != nil { status.state = .error }
                    list.append(status)
                    continue
                }
                let present = devices.filter { $0.kind == .printer && address.matches($0) }
                taken.formUnion(present.map(\.node))
                var status = DeviceStatus(device: printer, state: present.isEmpty ? .absent : .connected)
                (status.kind, status.station) = (.printer, station.name)
                status.describe(present.first)
                status.problem = present.isEmpty ? "not plugged in" : condition(printer)
                if !present.isEmpty, status.problem != nil { status.state = .error }
                list.append(status)
            }
        }
        list.sort { ($0.station ?? "", $0.device) < ($1.station ?? "", $1.device) }
        for device in devices where !taken.contains(device.node) {
            var status = DeviceStatus(device: device.address.description, state: .unbound)
            status.describe(device)
            status.lastScanAt = book.lastScans[status.device]
            list.append(status)
        }
        return list
    }

    /// What the USB printers of the stations say of themselves, by their addresses.
    private func conditions() async -> [String: String] {
        let printers = Set(ledger.plant.stations.values.filter { !$0.retired }.flatMap(\.printers)).filter { printer in
            DeviceAddress(parsing: printer).map { !inventory.devices(at: $0).isEmpty } ?? false
        }
        return await withTaskGroup(of: (String, String?).self) { group in
            for printer in printers {
                group.addTask { (printer, await self.printing.check(printer)?.problem) }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    private func status(
        of scanner: ScannerBinding, _ station: String, _ present: Device?, _ book: Book
    ) -> DeviceStatus {
        let known = book.scanners[scanner.device]
        var status = DeviceStatus(device: scanner.device.description, state: .connected)
        (status.station, status.layout) = (station, scanner.layout)
        status.describe(present)
        if status.name == nil { status.name = known?.name }
        (status.scans, status.errors) = (known?.scans ?? 0, known?.errors ?? 0)
        status.lastScanAt = book.lastScans[status.device]
        status.since = known.flatMap { $0.since == 0 ? nil : $0.since }
        if known?.isConnected != true {
            status.problem = known?.reason ?? "not looked for yet"
            let isThere = present != nil || !["not plugged in", "unplugged"].contains(status.problem)
            status.state = isThere ? .error : .absent
        }
        return status
    }
}
