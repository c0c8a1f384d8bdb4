import Testing

@testable import Barcodes

/// Scanners in HID-POS mode: what their report descriptors say, and what their reports make.
@Suite("Scanned data reports")
struct ScannedDataReportTests {
    /// As hand-held imagers declare it: a length, an AIM identifier, 56 bytes, two bytes of the maker's, a flag.
    static let imager: [UInt8] = [
        0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x09, 0x12, 0xA1, 0x02, 0x85, 0x02, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x75,
        0x08,
        0x95, 0x01, 0x05, 0x01, 0x09, 0x3B, 0x81, 0x02, 0x05, 0x8C, 0x09, 0xFB, 0x09, 0xFC, 0x09, 0xFD, 0x95, 0x03,
        0x81,
        0x02, 0x09, 0xFE, 0x95, 0x38, 0x82, 0x02, 0x01, 0x06, 0x66, 0xFF, 0x95, 0x02, 0x09, 0x04, 0x09, 0x00, 0x81,
        0x02,
        0x05, 0x8C, 0x25, 0x01, 0x75, 0x01, 0x95, 0x08, 0x09, 0xFF, 0x81, 0x02, 0xC0, 0x09, 0x14, 0xA1, 0x02, 0x85,
        0x04,
        0x25, 0x01, 0x75, 0x01, 0x95, 0x08, 0x09, 0x00, 0x91, 0x02, 0xC0, 0xC0,
    ]
    /// Without a length, without a report number, and with a flag of one bit and padding.
    static let plain: [UInt8] = [
        0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x09, 0x12, 0xA1, 0x02, 0x75, 0x08, 0x95, 0x10, 0x09, 0xFE, 0x81, 0x02,
        0x75,
        0x01, 0x95, 0x01, 0x09, 0xFF, 0x81, 0x02, 0x75, 0x07, 0x81, 0x03, 0xC0, 0xC0,
    ]
    /// A boot keyboard (Device Class Definition for HID 1.11, appendix B.1).
    static let keyboard: [UInt8] = [
        0x05, 0x01, 0x09, 0x06, 0xA1, 0x01, 0x05, 0x07, 0x19, 0xE0, 0x29, 0xE7, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01,
        0x95,
        0x08, 0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81, 0x01, 0x95, 0x05, 0x75, 0x01, 0x05, 0x08, 0x19, 0x01, 0x29,
        0x05,
        0x91, 0x02, 0x95, 0x01, 0x75, 0x03, 0x91, 0x03, 0x95, 0x06, 0x75, 0x08, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x05,
        0x07,
        0x19, 0x00, 0x29, 0xFF, 0x81, 0x00, 0xC0,
    ]

    /// The reports of an imager that has read a code.
    static func reports(_ text: String, symbology: String = "]C0") -> [[UInt8]] {
        var rest = Array(text.utf8)[...]
        var reports: [[UInt8]] = []
        repeat {
            let part = rest.prefix(56)
            rest = rest.dropFirst(56)
            let padding = [UInt8](repeating: 0, count: 56 - part.count)
            reports.append(
                [2, UInt8(part.count)] + Array(symbology.utf8) + part + padding + [0x73, 0, rest.isEmpty ? 0 : 1])
        } while !rest.isEmpty
        return reports
    }

    private func framer(_ descriptor: [UInt8] = imager) throws -> ReportFramer {
        ReportFramer(try #require(ScannedDataReport(descriptor: descriptor)))
    }

    @Test("the descriptor says where each field stands")
    func layout() throws {
        let report = try #require(ScannedDataReport(descriptor: Self.imager))
        #expect((report.id, report.length) == (2, 64))
        #expect(report.count == 1)
        #expect(report.symbology == [2, 3, 4])
        #expect(report.data == 5..<61)
        #expect(report.continued == 63 * 8)
        let plain = try #require(ScannedDataReport(descriptor: Self.plain))
        #expect((plain.id, plain.length, plain.count) == (nil, 17, nil))
        #expect((plain.symbology, plain.data, plain.continued) == (nil, 0..<16, 128))
    }

    @Test("a keyboard, a torn descriptor and one that is too large are none")
    func noScanner() {
        #expect(ScannedDataReport(descriptor: Self.keyboard) == nil)
        #expect(ScannedDataReport(descriptor: []) == nil)
        // Up to the item that declares the data there is none; after it, a cut through an item is noticed.
        for length in 0..<44 { #expect(ScannedDataReport(descriptor: Self.imager.prefix(length)) == nil) }
        let huge: [UInt8] = [0x05, 0x8C, 0x75, 0x08, 0x97, 0xFF, 0xFF, 0xFF, 0x7F, 0x09, 0xFE, 0x81, 0x02]
        #expect(ScannedDataReport(descriptor: huge) == nil)
    }

    @Test("whatever a descriptor and a report hold, nothing breaks")
    func anyBytes() {
        var random = Seeded(state: 8)
        for _ in 0..<2_000 {
            var descriptor = Self.imager
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                descriptor[Int.random(in: 0..<descriptor.count, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            guard let report = ScannedDataReport(descriptor: descriptor) else { continue }
            var framer = ReportFramer(report)
            for time in 0..<4 {
                let bytes = (0..<Int.random(in: 0...80, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                _ = framer.feed(bytes, at: Int64(time))
            }
        }
    }

    @Test("a report is a scan, with its AIM identifier in front")
    func oneReport() throws {
        var framer = try framer()
        let report = Self.reports("PCB-100-1")[0]
        let frame = Frame(text: "]C0PCB-100-1", outcome: .complete, startedAt: 7, endedAt: 7)
        #expect(framer.feed(report, at: 7) == [frame])
        #expect(framer.deadline == nil)
        #expect(framer.feed(Self.reports("A-1", symbology: "\0\0\0")[0], at: 8).first?.text == "A-1")
        #expect(framer.feed(Self.reports("]C0A-1")[0], at: 9).first?.text == "]C0A-1")
        #expect(framer.feed(Self.reports("A-1\r\n", symbology: "]Q1")[0], at: 10).first?.text == "]Q1A-1")
        #expect(framer.feed([4] + report.dropFirst(), at: 11) == [])
        #expect(framer.feed(Self.reports("", symbology: "\0\0\0")[0], at: 12) == [])
    }

    @Test("GS1 data keeps its group separators and is known by its AIM identifier")
    func elementString() throws {
        var framer = try framer()
        let text = try #require(
            framer.feed(Self.reports("010950110153000321A-17\u{1D}10L7", symbology: "]d2")[0], at: 1).first?.text)
        #expect(Code(frame: text) == Code(frame: "(01)09501101530003(21)A-17(10)L7"))
        #expect(Code(frame: text) != Code(frame: "A-17"))
    }

    @Test("a long code comes in several reports")
    func continued() throws {
        var framer = try framer()
        let text = String(repeating: "0123456789", count: 15)
        let reports = Self.reports(text)
        #expect(reports.count == 3)
        #expect(framer.feed(reports[0], at: 1_000) == [])
        #expect(framer.deadline == 101_000)
        #expect(framer.feed(reports[1], at: 9_000) == [])
        let frame = Frame(text: "]C0" + text, outcome: .complete, startedAt: 1_000, endedAt: 17_000)
        #expect(framer.feed(reports[2], at: 17_000) == [frame])
        var plain = try self.framer(Self.plain)
        #expect(plain.feed(Array("0123456789ABCDEF".utf8) + [1], at: 0) == [])
        let last = Array("XY".utf8) + [UInt8](repeating: 0, count: 15)
        #expect(plain.feed(last, at: 1).first?.text == "0123456789ABCDEFXY")
    }

    @Test("a pause breaks it, and its rest as well")
    func pause() throws {
        var framer = try framer()
        let reports = Self.reports(String(repeating: "X", count: 60))
        #expect(framer.feed(reports[0], at: 0) == [])
        #expect(framer.elapsed(to: 99_999) == nil)
        #expect(framer.elapsed(to: 100_000)?.outcome == .broken(.pause))
        #expect(framer.feed(reports[1], at: 900_000).first?.outcome == .broken(.pause))
        #expect(framer.feed(Self.reports("NEXT")[0], at: 1_000_000).first?.outcome == .complete)
        // Nobody looked at the time before the rest came.
        #expect(framer.feed(reports[0], at: 2_000_000) == [])
        let late = framer.feed(reports[1], at: 2_200_000).map(\.outcome)
        #expect(late == [.broken(.pause), .broken(.pause)])
        #expect(framer.feed(reports[0], at: 5_000_000) == [])
        let whole = framer.feed(Self.reports("WHOLE")[0], at: 8_000_000)
        #expect(whole.map(\.outcome) == [.broken(.pause), .complete])
    }

    @Test("what is lost, cut short or too long is broken")
    func broken() throws {
        var framer = try framer()
        let reports = Self.reports(String(repeating: "X", count: 60))
        #expect(framer.feed(reports[0], at: 0) == [])
        #expect(framer.disconnected()?.outcome == .broken(.unplugged))
        #expect(framer.disconnected() == nil)
        #expect(framer.feed(reports[0], at: 10) == [])
        #expect(framer.dropped(at: 20)?.outcome == .broken(.dropped))
        #expect(framer.feed(reports[1], at: 30).first?.outcome == .broken(.pause))
        #expect(framer.feed(Self.reports("SHORT")[0].prefix(20), at: 5_000_000).first?.outcome == .broken(.dropped))
        var frame: Frame?
        for report in Self.reports(String(repeating: "Y", count: 600)) {
            frame = framer.feed(report, at: 9_000_000).first
        }
        #expect(frame?.outcome == .broken(.tooLong))
        #expect(frame?.text.utf8.count == 512)
    }
}

/// SplitMix64: the same numbers in every run.
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
