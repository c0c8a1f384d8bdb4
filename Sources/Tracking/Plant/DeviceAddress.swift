/// Which device is meant, in words that stay true when it is unplugged and comes back.
public enum DeviceAddress: Hashable, Sendable, CustomStringConvertible, Codable {
    /// The place where it is plugged in: udev's `ID_PATH`, such as `pci-0000:00:14.0-usb-0:2:1.0`. Without the interface
    /// at its end (`:1.0`), every interface of the device at that place.
    case port(String)
    /// The device's own serial number: of its USB descriptor, the address of a Bluetooth device, or `SN` of a printer's
    /// IEEE 1284 id.
    case serial(String)
    /// The path of its node, such as `/dev/input/event3`, or a link to it. Only for what udev does not know: nodes are
    /// numbered in the order in which devices are found.
    case node(String)

    /// Reads `port:...`, `serial:...` or `node:/...`; nil for anything else.
    public init?(parsing text: String) {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let value = String(text[text.index(after: colon)...])
        let isClean = value.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard (1...255).contains(value.utf8.count), isClean else { return nil }
        switch text[..<colon] {
        case "port": self = .port(value)
        case "serial": self = .serial(value)
        case "node" where value.hasPrefix("/"): self = .node(value)
        default: return nil
        }
    }

    /// The address as it is read: `port:pci-0000:00:14.0-usb-0:2:1.0`.
    public var description: String {
        switch self {
        case .port(let path): "port:\(path)"
        case .serial(let serial): "serial:\(serial)"
        case .node(let path): "node:\(path)"
        }
    }
}

extension DeviceAddress {
    /// Reads the address's text.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = DeviceAddress(parsing: text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(text) is no device address")
        }
        self = address
    }

    /// Writes the address's text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
