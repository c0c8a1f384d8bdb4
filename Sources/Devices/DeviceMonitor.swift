internal import Barcodes
internal import CUdev
internal import Glibc

/// The devices that are plugged in, as udev tells: all of them at first, and then each that comes or goes.
///
/// Belongs to one thread, as everything of libudev does.
final class DeviceMonitor {
    /// What is plugged in now, by the path of its node.
    private(set) var devices: [String: Device] = [:]
    /// Readable when something came or went; -1 where udev can't be asked.
    let fd: Int32
    private let udev: OpaquePointer?
    private let monitor: OpaquePointer?

    private static let subsystems = ["input", "tty", "hidraw", "usbmisc"]

    init() {
        udev = udev_new()
        // "udev": after the rules have run, so that names, groups and properties are there.
        monitor = udev.flatMap { udev_monitor_new_from_netlink($0, "udev") }
        if let monitor {
            for subsystem in Self.subsystems {
                udev_monitor_filter_add_match_subsystem_devtype(monitor, subsystem, nil)
            }
        }
        // Listening begins before the devices are listed: what comes in between is told twice, never missed.
        fd = monitor.flatMap { udev_monitor_enable_receiving($0) == 0 ? udev_monitor_get_fd($0) : nil } ?? -1
        if udev != nil { devices = list() }
    }

    deinit {
        if let monitor { udev_monitor_unref(monitor) }
        if let udev { udev_unref(udev) }
    }

    /// Takes in what udev has told since the last call. Returns whether anything changed.
    func receive() -> Bool {
        let before = devices
        var isIncomplete = false
        while let monitor {
            errno = 0
            guard let event = udev_monitor_receive_device(monitor) else {
                guard errno == ENOBUFS else { break }
                isIncomplete = true
                continue
            }
            defer { udev_device_unref(event) }
            guard let node = udev_device_get_devnode(event).map({ String(cString: $0) }) else { continue }
            let isGone = udev_device_get_action(event).map { String(cString: $0) } == "remove"
            devices[node] = isGone ? nil : Device(event)
        }
        // More came at once than the socket holds: only a new list is complete. It is made after what the socket did
        // hold, which is older and may tell that a device went that is back.
        if isIncomplete { devices = list() }
        return devices != before
    }

    private func list() -> [String: Device] {
        guard let search = udev_enumerate_new(udev) else { return [:] }
        defer { udev_enumerate_unref(search) }
        for subsystem in Self.subsystems { udev_enumerate_add_match_subsystem(search, subsystem) }
        udev_enumerate_scan_devices(search)
        var found: [String: Device] = [:]
        var entry = udev_enumerate_get_list_entry(search)
        while let current = entry {
            defer { entry = udev_list_entry_get_next(current) }
            guard let path = udev_list_entry_get_name(current),
                let node = udev_device_new_from_syspath(udev, path)
            else { continue }
            defer { udev_device_unref(node) }
            if let device = Device(node) { found[device.node] = device }
        }
        return found
    }
}

extension Device {
    /// A device of the line, from udev's; nil for what is neither keyboard, serial port on USB, scanner in
    /// HID-POS mode, nor USB printer.
    fileprivate init?(_ entry: OpaquePointer) {
        func text(_ value: UnsafePointer<CChar>?) -> String? {
            guard let value else { return nil }
            // Attributes come as the device gives them, with spaces around.
            let text = String(cString: value).drop { $0 == " " }
            return text.allSatisfy { $0 == " " } ? nil : String(text.reversed().drop { $0 == " " }.reversed())
        }
        func property(_ name: String) -> String? { text(udev_device_get_property_value(entry, name)) }
        func attribute(_ owner: OpaquePointer?, _ name: String) -> String? {
            owner.flatMap { text(udev_device_get_sysattr_value($0, name)) }
        }
        guard let node = text(udev_device_get_devnode(entry)), let name = text(udev_device_get_sysname(entry)),
            let subsystem = text(udev_device_get_subsystem(entry))
        else { return nil }
        let parent = udev_device_get_parent(entry)
        // A Bluetooth adapter on USB stands above all that it connects: its port and serial number are none of theirs.
        let isWireless = udev_device_get_parent_with_subsystem_devtype(entry, "bluetooth", nil) != nil
        let usb = isWireless ? nil : udev_device_get_parent_with_subsystem_devtype(entry, "usb", "usb_device")
        let kind: Kind
        switch subsystem {
        case "input" where name.hasPrefix("event") && property("ID_INPUT_KEYBOARD") == "1": kind = .keyboard
        case "tty" where name.hasPrefix("ttyACM") || name.hasPrefix("ttyUSB"): kind = .serial
        case "hidraw" where parent.map(Self.sendsScans) == true: kind = .hidPOS
        case "usbmisc" where name.hasPrefix("lp"): kind = .printer
        default: return nil
        }
        // A Bluetooth scanner has no USB device above it, but a HID device; a virtual one has neither.
        let body = usb ?? udev_device_get_parent_with_subsystem_devtype(entry, "hid", nil) ?? parent ?? entry
        let printerID = kind == .printer ? attribute(parent, "ieee1284_id") : nil
        func hid(_ name: String) -> String? { parent.flatMap { text(udev_device_get_property_value($0, name)) } }
        let inputName: String? =
            switch kind {
            case .keyboard: attribute(parent, "name")
            case .hidPOS: hid("HID_NAME")
            case .serial, .printer: nil
            }
        let model = attribute(usb, "product") ?? property("ID_MODEL")?.replacing("_", with: " ")
        self.init(
            kind: kind, node: node,
            name: inputName ?? [attribute(usb, "manufacturer"), model].compactMap(\.self).joined(separator: " "),
            body: text(udev_device_get_syspath(body)) ?? node)
        if self.name.isEmpty { self.name = node }
        port = isWireless ? nil : property("ID_PATH")
        var serials = isWireless ? [] : [property("ID_SERIAL_SHORT"), attribute(usb, "serial")]
        if kind == .keyboard { serials.append(attribute(parent, "uniq")) }
        if kind == .hidPOS { serials.append(hid("HID_UNIQ")) }
        if let printerID { serials += ["SN", "SERN", "SERIALNUMBER"].map { Self.field($0, of: printerID) } }
        for case let serial? in serials where !self.serials.contains(serial) { self.serials.append(serial) }
        isKnown = property("TRAVELER_SCANNER") == "1" || property("TRAVELER_PRINTER") == "1"
        self.printerID = printerID
    }

    /// Whether a HID device's report descriptor has a scanned data report.
    private static func sendsScans(_ hid: OpaquePointer) -> Bool {
        guard let path = udev_device_get_syspath(hid) else { return false }
        let file = Descriptor(Glibc.open(String(cString: path) + "/report_descriptor", O_RDONLY | O_CLOEXEC))
        guard file.fd >= 0 else { return false }
        // The kernel's limit of a descriptor.
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = Glibc.read(file.fd, &bytes, bytes.count)
        return count > 0 && ScannedDataReport(descriptor: bytes.prefix(count)) != nil
    }

    /// The value of a key of an IEEE 1284 device id (`KEY:value;KEY:value;`).
    private static func field(_ key: String, of id: String) -> String? {
        for pair in id.split(separator: ";") {
            guard let colon = pair.firstIndex(of: ":"), pair[..<colon].drop(while: { $0 == " " }) == key else {
                continue
            }
            return String(pair[pair.index(after: colon)...])
        }
        return nil
    }
}
