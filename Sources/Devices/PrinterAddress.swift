public import Tracking

/// Where a station's labels go, as a site file writes it.
public enum PrinterAddress: Hashable, Sendable, CustomStringConvertible {
    /// `file:labels/`: a directory under the daemon's state directory, one file a label.
    case directory([String])
    /// `file:labels.zpl`: a file under the state directory to which labels are appended.
    case file([String])
    /// `tcp://10.0.0.7:9100`: a network printer's raw port; 9100 if none is given.
    case tcp(host: String, port: UInt16)
    /// `port:pci-0000:00:14.0-usb-0:3:1.0` or `serial:PRT0001`: a USB printer by the place where it is plugged in, or by its
    /// serial number.
    case usb(DeviceAddress)

    /// Why a text is no printer address, for people.
    public struct Problem: Error, Equatable, CustomStringConvertible {
        /// `cannot use printer "...": ...`
        public let description: String
    }

    /// Reads an address.
    /// - Throws: `Problem` for an unknown kind, a bad port, a device's node, and a file outside the state directory.
    public init(parsing text: String) throws(Problem) {
        func problem(_ reason: String) -> Problem { Problem(description: "cannot use printer \"\(text)\": \(reason)") }
        if text.hasPrefix("file:") {
            let path = text.dropFirst(5)
            var names = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            let isDirectory = path.hasSuffix("/")
            if isDirectory { names.removeLast() }
            guard path.first != "/" else {
                throw problem("a file printer is a path under the state directory, such as file:labels/")
            }
            guard names.allSatisfy(Self.isName) else {
                throw problem("each part of the path is a name of 1 to 255 bytes that doesn't begin with a dot")
            }
            self = isDirectory ? .directory(names) : .file(names)
        } else if text.hasPrefix("tcp://") {
            var host = text.dropFirst(6)
            var port = "9100"
            if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
                let rest = host[host.index(after: end)...]
                host = host[host.index(after: host.startIndex)..<end]
                guard rest.isEmpty || rest.hasPrefix(":") else { throw problem("after ] expected :PORT") }
                if !rest.isEmpty { port = String(rest.dropFirst()) }
            } else if let colon = host.firstIndex(of: ":") {
                port = String(host[host.index(after: colon)...])
                host = host[..<colon]
            }
            let isHost = host.utf8.allSatisfy { (0x21...0x7E).contains($0) && !"/@[]?#".utf8.contains($0) }
            guard !host.isEmpty, host.utf8.count <= 253, isHost else {
                throw problem("expected a host name or address, such as tcp://10.0.0.7:9100")
            }
            guard port.allSatisfy(\.isWholeNumber), let number = UInt16(port), number > 0 else {
                throw problem("a port is a number from 1 to 65535")
            }
            self = .tcp(host: String(host), port: number)
        } else if let device = DeviceAddress(parsing: text) {
            if case .node = device {
                throw problem("nodes of USB printers are numbered anew at each plug; name it port:... or serial:...")
            }
            self = .usb(device)
        } else {
            throw problem("expected port:ID_PATH, serial:SERIAL, tcp://HOST:PORT, file:NAME/ or file:NAME")
        }
    }

    /// The address as a site file writes it.
    public var description: String {
        switch self {
        case .directory(let names): "file:\(names.joined(separator: "/"))/"
        case .file(let names): "file:\(names.joined(separator: "/"))"
        case .tcp(let host, let port): host.contains(":") ? "tcp://[\(host)]:\(port)" : "tcp://\(host):\(port)"
        case .usb(let device): device.description
        }
    }

    /// Names with a dot in front are the daemon's own (unfinished files).
    private static func isName(_ name: String) -> Bool {
        (1...255).contains(name.utf8.count) && !name.hasPrefix(".") && name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}
