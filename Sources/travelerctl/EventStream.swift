/// One server-sent event.
struct StreamedEvent: Equatable, Sendable {
    var id: String?
    var name = ""
    var data = ""
}

/// Reads a stream of server-sent events (WHATWG HTML, section 9.2) from pieces of any size.
struct EventStreamReader {
    private var line: [UInt8] = []
    private var afterReturn = false
    private var event = StreamedEvent()
    private var hasData = false

    /// The events that end within these bytes.
    mutating func read(_ bytes: some Sequence<UInt8>) -> [StreamedEvent] {
        var events: [StreamedEvent] = []
        for byte in bytes {
            defer { afterReturn = byte == UInt8(ascii: "\r") }
            switch byte {
            case UInt8(ascii: "\n") where afterReturn: continue
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                if let event = endLine() { events.append(event) }
                line.removeAll(keepingCapacity: true)
            default: line.append(byte)
            }
        }
        return events
    }

    private mutating func endLine() -> StreamedEvent? {
        guard !line.isEmpty else {
            defer { (event, hasData) = (StreamedEvent(), false) }
            return hasData ? event : nil
        }
        let field = line.prefix { $0 != UInt8(ascii: ":") }
        var value = line.dropFirst(field.count + 1)
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        let text = String(decoding: value, as: UTF8.self)
        switch String(decoding: field, as: UTF8.self) {
        case "id": event.id = text
        case "event": event.name = text
        case "data":
            event.data += hasData ? "\n" + text : text
            hasData = true
        default: break  // a comment that keeps the stream alive, or a field that nobody needs here
        }
        return nil
    }
}
