import Testing

@testable import travelerctl

@Suite struct EventStreamTests {
    private let text =
        ": hello\n\nevent: scan\nid: 7\ndata: {\"a\":1}\n\nid:8\r\ndata\r\ndata:  x\r\n\r\ndata: y\rdata: z\r\revent: lone\n\n"
    private let events = [
        StreamedEvent(id: "7", name: "scan", data: "{\"a\":1}"), StreamedEvent(id: "8", name: "", data: "\n x"),
        StreamedEvent(id: nil, name: "", data: "y\nz"),
    ]

    @Test func eventsEndAtAnEmptyLine() {
        var reader = EventStreamReader()
        #expect(reader.read(text.utf8) == events)
    }

    @Test("pieces may end anywhere", arguments: 1...20)
    func pieces(size: Int) {
        var reader = EventStreamReader()
        let bytes = Array(text.utf8)
        var read: [StreamedEvent] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            read += reader.read(bytes[start..<min(start + size, bytes.count)])
        }
        #expect(read == events)
    }
}
