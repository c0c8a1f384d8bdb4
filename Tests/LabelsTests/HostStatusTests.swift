import Labels
import Testing

/// Answers as printers give them, with STX and ETX written as `<` and `>`.
private func answer(_ text: String) -> [UInt8] {
    text.utf8.map { byte in
        switch byte {
        case UInt8(ascii: "<"): 2
        case UInt8(ascii: ">"): 3
        default: byte
        }
    }
}

private let ready = "<030,0,0,1245,000,0,0,0,000,0,0,0>\r\n<000,0,0,0,0,2,4,0,00000000,1,000>\r\n<1234,0>\r\n"

@Suite("Host status")
struct HostStatusTests {
    @Test(
        "what keeps a printer, and which cause comes first",
        arguments: [
            (ready, PrinterCondition.ready),
            // The paper is out; the printer pauses itself with it.
            ("<030,1,1,0406,000,0,0,0,000,0,0,0>\r\n<000,0,0,0,0,2,6,0,00000000,1,000>\r\n<1234,0>\r\n", .paperOut),
            ("<030,0,1,1245,000,0,0,0,000,0,0,0>\r\n<000,0,0,0,0,2,4,0,00000000,1,000>\r\n<1234,0>\r\n", .paused),
            // The head is open; no paper is seen there.
            ("<030,1,1,1245,000,0,0,0,000,0,0,0>\r\n<000,0,1,0,1,2,4,0,00000000,1,000>\r\n<1234,0>\r\n", .headOpen),
            ("<030,0,1,1245,000,0,0,0,000,0,0,0>\r\n<000,0,0,1,1,2,4,0,00000000,1,000>\r\n<1234,0>\r\n", .ribbonOut),
            ("<030,0,0,1245,000,0,0,0,000,0,0,1>\r\n<000,0,0,0,0,2,4,0,00000000,1,000>\r\n<1234,0>\r\n", .fault),
        ])
    func conditions(text: String, condition: PrinterCondition) throws {
        #expect(try #require(HostStatus(answer(text))).condition == condition)
    }

    @Test(
        "whether anything is left to print",
        arguments: [
            (ready, true),
            // Two formats in the receive buffer.
            ("<030,0,0,1245,002,0,0,0,000,0,0,0><000,0,0,0,0,2,4,0,00000000,1,000><1234,0>", false),
            // A format whose end has not come.
            ("<030,0,0,1245,000,0,0,1,000,0,0,0><000,0,0,0,0,2,4,0,00000000,1,000><1234,0>", false),
            // Three labels of the batch left; and one that was peeled off and waits to be taken.
            ("<030,0,0,1245,000,0,0,0,000,0,0,0><000,0,0,0,0,2,4,0,00000003,1,000><1234,0>", false),
            ("<030,0,0,1245,000,0,0,0,000,0,0,0><000,0,0,0,0,1,4,1,00000001,1,000><1234,0>", true),
        ])
    func idle(text: String, isIdle: Bool) throws {
        #expect(try #require(HostStatus(answer(text))).isIdle == isIdle)
    }

    @Test("the fields by their names")
    func fields() throws {
        let status = try #require(
            HostStatus(answer("<030,0,0,1245,012,0,0,1,000,0,0,0><000,0,0,0,0,2,4,1,00000007,1,000><1234,0>")))
        #expect(status.formats == 12)
        #expect(status.isPartial && status.isLabelWaiting)
        #expect(status.labelsLeft == 7)
        #expect(!status.isPaperOut && !status.isPaused && !status.isHeadOpen && !status.isRibbonOut)
    }

    @Test("what stands around an answer is passed over")
    func surroundings() throws {
        #expect(try #require(HostStatus(answer("0,0>\r\n<1234,0>\r\nOK " + ready + "<x"))).condition == .ready)
    }

    @Test(
        "what is cut short or garbled is no answer",
        arguments: [
            "", "<", ">", "<>", "OK", "<1234,0>", "<030,0,0,1245,000,0,0,0,000,0,0,0>",
            "<030,0,0,1245,000,0,0,0,000,0,0,0>\r\n<000,0,0", "<030,0,0><000,0,0,0,0,2,4,0,00000000,1,000><1234,0>",
            "<030,2,0,1245,000,0,0,0,000,0,0,0><000,0,0,0,0,2,4,0,00000000,1,000><1234,0>",
            "<030,x,0,1245,000,0,0,0,000,0,0,0><000,0,0,0,0,2,4,0,00000000,1,000><1234,0>",
            "<030,-1,0,1245,000,0,0,0,000,0,0,0><000,0,0,0,0,2,4,0,00000000,1,000><1234,0>",
            "<030,,0,1245,000,0,0,0,000,0,0,0><000,0,0,0,0,2,4,0,00000000,1,000><1234,0>",
            "<030,0,0,1245,000,0,0,0,000,0,0,0><000,0,,0,0,2,4,0,00000000,1,000><1234,0>",
            "<030,0,0,1245,99999999999999999999,0,0,0,000,0,0,0><000,0,0,0,0,2,4,0,00000000,1,000>",
        ])
    func garbled(text: String) {
        #expect(HostStatus(answer(text)) == nil)
    }

    @Test("any bytes at all are an answer or none")
    func noise() {
        var random = SplitMix(seed: 3)
        let parts = ["<", ">", ",", "0", "1", "000", "\r\n", "<030,0,0,1,0,0,0,0,0,0,0,0>", "x", "\u{ff}"]
        for _ in 0..<20_000 {
            _ = HostStatus(answer((0..<16).map { _ in parts.randomElement(using: &random) ?? "" }.joined()))
        }
    }

    @Test(
        "which printers are asked",
        arguments: [
            ("MFG:Zebra;CMD:ZPL;MDL:ZD420;", true),
            ("MANUFACTURER:Zebra Technologies ;COMMAND SET:EPL,ZPL;MODEL:ZTC GK420d;CLASS:PRINTER;", true),
            ("mfg:X;cmd: zpl ii ;", true), ("MFG:TSC;CMD:TSPL,ZPL2;", true),
            ("MFG:Godex;CMD:EZPL;MDL:G500;", false), ("MFG:Dymo;MDL:ZPL;", false), ("CMD:;ZPL", false), ("", false),
        ])
    func languages(id: String, isSpoken: Bool) {
        #expect(HostStatus.isSpoken(by: id) == isSpoken)
    }

    @Test(
        "the status byte of the port",
        arguments: [
            (0x18, PrinterCondition.ready), (0x38, .paperOut), (0x30, .paperOut), (0x20, .paperOut), (0x10, .fault),
            (0x00, .fault), (0x08, .paused), (0xD8, .ready),
        ] as [(UInt8, PrinterCondition)])
    func portStatus(byte: UInt8, condition: PrinterCondition) {
        #expect(PrinterCondition(portStatus: byte) == condition)
    }
}
