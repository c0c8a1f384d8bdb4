internal import Synchronization
public import Tracking

/// A device that is plugged in, as udev describes it.
public struct Device: Hashable, Sendable {
    /// What a device does for the line.
    public enum Kind: String, Sendable {
        /// An evdev node that has the keys of a keyboard: a scanner, or somebody's keyboard.
        case keyboard
        /// A serial port on USB (`ttyACM`, `ttyUSB`).
        case serial
        /// The hidraw node of a scanner in HID-POS mode, which sends reports instead of keys.
        case hidPOS = "hid-pos"
        /// A USB printer (`usblp`).
        case printer
    }

    /// What it does.
    public var kind: Kind
    /// Path of its node, such as `/dev/input/event3`.
    public var node: String
    /// What the maker calls it; the node's path where nothing is known.
    public var name: String
    /// Where it is plugged in (udev's `ID_PATH`); nil for what is on no bus.
    public var port: String?
    /// Serial numbers that it gives, the likeliest first: of the USB descriptor, a Bluetooth address, of the IEEE 1284 id.
    public var serials: [String] = []
    /// The physical device in udev's words, the same for all of its nodes: the sysfs path of the USB device.
    public var body: String
    /// Whether the rules know its make as a scanner or a label printer.
    public var isKnown = false
    /// The IEEE 1284 id of a printer, such as `MFG:Zebra;CMD:ZPL;MDL:ZD420;`.
    public var printerID: String?

    /// A device of a kind at a node.
    public init(kind: Kind, node: String, name: String, body: String) {
        (self.kind, self.node, self.name, self.body) = (kind, node, name, body)
    }

    /// The port without the interface at its end: the place where the whole device is plugged in. A composite scanner reads
    /// by any of its interfaces, and the one that replaces it may have others.
    public var socket: String? {
        guard let port, let colon = port.lastIndex(of: ":"), port.contains("-usb-") else { return port }
        let interface = port[port.index(after: colon)...].split(separator: ".", omittingEmptySubsequences: false)
        let isInterface = interface.count == 2 && interface.allSatisfy { !$0.isEmpty && $0.allSatisfy(\.isWholeNumber) }
        return isInterface ? String(port[..<colon]) : port
    }

    /// The address by which it is bound when nobody says otherwise: its socket, else its serial, else its node.
    public var address: DeviceAddress {
        if let socket { return .port(socket) }
        if let serial = serials.first { return .serial(serial) }
        return .node(node)
    }
}

extension DeviceAddress {
    /// Whether a device that udev knows is the one that is meant.
    public func matches(_ device: Device) -> Bool {
        switch self {
        case .port(let path): device.port.map { $0 == path || $0.hasPrefix(path + ":") } ?? false
        case .serial(let serial): device.serials.contains(serial)
        case .node(let path): device.node == path
        }
    }
}

/// What is plugged in now, for whoever has to find a device by its address.
public final class Inventory: Sendable {
    private let list = Mutex<[Device]>([])

    /// Nothing yet.
    public init() {}

    /// All of it, as udev last told.
    public var devices: [Device] { list.withLock { $0 } }

    /// The devices that an address means.
    public func devices(at address: DeviceAddress) -> [Device] { devices.filter(address.matches) }

    /// Takes what udev tells; answers what came and what went.
    public func replace(with devices: [Device]) -> [Device] {
        let before = list.withLock { list in
            defer { list = devices }
            return list
        }
        return devices.filter { !before.contains($0) } + before.filter { !devices.contains($0) }
    }
}
