import Barcodes
import Testing

@Suite struct ControlCodeTests {
    static let every: [(String, ControlCode)] = [
        ("TRV:WO:1001", .workOrder("1001")), ("TRV:NEW", .new), ("TRV:PASS", .pass),
        ("TRV:FAIL:SOLDER", .fail("SOLDER")),
        ("TRV:REWORK:assembly", .rework("assembly")), ("TRV:SCRAP:DEAD", .scrap("DEAD")), ("TRV:HOLD", .hold),
        ("TRV:RELEASE", .release), ("TRV:ORDER:SO-77", .order("SO-77")), ("TRV:CLOSE", .close),
        ("TRV:REASON:wrong_item", .reason("wrong_item")), ("TRV:COND:good", .condition("good")),
        ("TRV:QTY:25", .quantity(25)), ("TRV:UNDO", .undo), ("TRV:REPRINT", .reprint), ("TRV:CANCEL", .cancel),
        ("TRV:BADGE:1007", .badge("1007")), ("TRV:PAIR:K7Q2", .pair("K7Q2")),
        // An argument is everything after its colon.
        ("TRV:WO:A:1/B 2", .workOrder("A:1/B 2")), ("TRV:FAIL:Lötbrücke", .fail("Lötbrücke")),
    ]

    @Test(arguments: every)
    func roundTrip(text: String, code: ControlCode) {
        #expect(ControlCode(text) == code)
        #expect(code.text == text)
        #expect(Code(frame: text) == .control(code))
    }

    @Test(arguments: [
        "TRV:", "TRV:WO", "TRV:WO:", "TRV:PASS:", "TRV:PASS:X", "TRV:pass", "TRV:NEWS", "TRV:NE", "TRV: NEW",
        "TRV:QTY:",
        "TRV:QTY:0", "TRV:QTY:-1", "TRV:QTY:+1", "TRV:QTY:1.5", "TRV:QTY:1000000000", "TRV:QTY:٣", "TRV:WO:1\u{7}",
        "TRV::PASS", "TRV:\u{301}PASS",
    ])
    func malformed(text: String) {
        #expect(ControlCode(text) == nil)
        #expect(Code(frame: text) == .unknownControl(text))
    }

    @Test(arguments: ["trv:PASS", "TRV", " TRV:PASS", "XTRV:PASS", ""])
    func notControlCodes(text: String) {
        #expect(ControlCode(text) == nil)
        #expect(Code(frame: text) == .text(text))
    }
}

@Suite struct CodeTests {
    @Test(
        "plain texts stay as they are",
        arguments: [
            "PCB-100-2610-0001", "1007", "4006381333931", "", "]", "]C", "]C1", "]1C5", "](x", "[]", "(", "()",
            "(hello)", "(1)2", "(01)",
            // Digits that could be application identifiers, without any marker.
            "0109501101530003", "0109501101530003211234", "00340123450000000018", "01-2610-0001",
            // Not links, or links without a GTIN that is right.
            "http", "https://", "https://example.com", "https://example.com/01/09501101530004",
            "https://example.com/01/",
            "hello", "https://example.com/21/A-17", "ftp://id.gs1.org/01/09501101530003",
            "https://id.gs1.org/01/09501101530003/21/%zz",
            "https://id.gs1.org/01/09501101530003/21/A%20B",
            // Separators, but no element string.
            "ABC\u{1D}123", "[)>\u{1E}06\u{1D}PPCB\u{1D}S17\u{1E}\u{4}",
        ])
    func plain(text: String) {
        #expect(Code(frame: text) == .text(text))
    }

    @Test(
        "AIM identifiers are taken off",
        arguments: [
            ("]C0PCB-1", Code.text("PCB-1")), ("]Q1PCB-1", .text("PCB-1")), ("]A0PCB-1", .text("PCB-1")),
            ("]d1PCB-1", .text("PCB-1")),
            ("]E04006381333931", .text("4006381333931")), ("]z0]C0", .text("]C0")), ("]C0TRV:PASS", .control(.pass)),
            ("]Q1TRV:NOPE", .unknownControl("TRV:NOPE")), ("]LAtext", .text("text")),
        ])
    func aim(frame: String, code: Code) {
        #expect(Code(frame: frame) == code)
    }

    static let gtin = "09501101530003"

    @Test(
        "GS1 element strings",
        arguments: [
            ("]C10109501101530003", nil),
            ("]d2010950110153000321A-17", "A-17"),
            ("]Q3010950110153000321A-17", "A-17"),
            ("]e0010950110153000321A-17", "A-17"),
            ("]J1010950110153000321A-17", "A-17"),
            ("\u{1D}010950110153000321A-17", "A-17"),
            ("]C1\u{1D}010950110153000321A-17\u{1D}", "A-17"),
            // The serial ends at the separator; a lot (10), dates (11, 17), additional id (240), weight (310n) around
            // it.
            ("]d2010950110153000321A-17\u{1D}10LOT7", "A-17"),
            ("010950110153000321A-17\u{1D}10LOT7", "A-17"),
            ("]d210LOT7\u{1D}010950110153000321A-17", "A-17"),
            ("]d21126030117280301010950110153000321A-17", "A-17"),
            ("]d2240XY\u{1D}310300012521A-17\u{1D}0109501101530003", "A-17"),
            ("]d2412950110153000401095011015300032021\u{1D}21A-17", "A-17"),
            ("]d20109501101530003\u{1D}21A-17", "A-17"),
            // 21 inside another element is not a serial.
            ("]d2010950110153000310LOT21A", nil),
            ("(01)09501101530003(21)A-17", "A-17"),
            ("(21)A-17(01)09501101530003", "A-17"),
            ("(01)09501101530003(17)280301(21)A(1)B(10)LOT", "A(1)B"),
            ("(01)09501101530003(3103)000125(240)X(21)A-17", "A-17"),
            ("]C0(01)09501101530003", nil),
        ])
    func elements(frame: String, serial: String?) {
        #expect(Code(frame: frame) == .element(gtin: Self.gtin, serial: serial))
    }

    @Test(
        "element strings that aren't right are plain text",
        arguments: [
            ("]C10109501101530004", "0109501101530004"),  // check digit
            ("]C1010950110153000", "010950110153000"),  // too short
            ("]C1010950110153000A", "010950110153000A"),
            ("]C1PCB-100", "PCB-100"),
            ("]d2010950110153000321", "010950110153000321"),  // no serial after its identifier
            ("]d2010950110153000321A 7", "010950110153000321A 7"),
            ("]d201095011015300031726", "01095011015300031726"),
            ("]d2010950110153000301095060001343520", "010950110153000301095060001343520"),
            ("(01)09501101530004", "(01)09501101530004"),
            ("(01)9501101530003", "(01)9501101530003"),
            ("(01)09501101530003(17)2803", "(01)09501101530003(17)2803"),
            ("(01)09501101530003(21)", "(01)09501101530003(21)"),
        ])
    func malformedElements(frame: String, text: String) {
        #expect(Code(frame: frame) == .text(text))
    }

    @Test func serialWithoutGTIN() {
        #expect(Code(frame: "]C121A-17") == .text("A-17"))
        #expect(Code(frame: "(21)A-17") == .text("A-17"))
    }

    @Test(
        "Digital Links",
        arguments: [
            ("https://id.gs1.org/01/09501101530003", nil),
            ("https://id.gs1.org/01/09501101530003/21/A-17", "A-17"),
            ("HTTPS://ID.GS1.ORG/01/09501101530003/21/A-17", "A-17"),
            ("http://example.com:8080/shop/pcb/01/09501101530003/10/LOT/21/A-17?17=280301#top", "A-17"),
            ("https://example.com/01/shop/01/9501101530003/22/2A/21/A-17/", "A-17"),
            ("https://example.com/gtin/09501101530003/ser/A-17", "A-17"),
            ("https://id.gs1.org/01/09501101530003/21/A%2F17%2d%28x%29", "A/17-(x)"),
            ("https://id.gs1.org/01/09501101530003?21=A-17", nil),
            ("]Q1https://id.gs1.org/01/09501101530003/21/A-17", "A-17"),
        ])
    func digitalLinks(frame: String, serial: String?) {
        #expect(Code(frame: frame) == .element(gtin: Self.gtin, serial: serial))
    }

    @Test func gtin8InDigitalLinkIsFilledUp() {
        #expect(Code(frame: "https://id.gs1.org/01/40170725") == .element(gtin: "00000040170725", serial: nil))
    }

    @Test func anyTextIsReadWithoutHarm() {
        var random = SeededGenerator(seed: 1)
        let pieces = [
            "]C1", "]d2", "01", "21", "09501101530003", "\u{1D}", "(", ")", "(01)", "(21)", "https://", "/", "%", "A",
            "ß", "TRV:", "WO:",
        ]
        for _ in 0..<20_000 {
            let frame = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }.joined()
            switch Code(frame: frame) {
            case .element(let gtin, let serial):
                #expect(GTIN.isValid(gtin) && gtin.count == 14)
                #expect(serial.map(Serial.isValid) != false)
            case .control(let code): #expect(frame.hasSuffix(code.text))
            case .unknownControl(let text): #expect(frame.hasSuffix(text))
            case .text(let text): #expect(frame.contains(text) || frame.contains("%"))
            }
        }
    }
}

@Suite struct SerialTests {
    @Test(arguments: ["A", "PCB-100-2610-0001", "^XZ", "~", "!", "trv:x", "TRV", String(repeating: "9", count: 64)])
    func good(serial: String) throws {
        #expect(Serial.isValid(serial))
        try Serial.check(serial)
    }

    @Test(arguments: [
        ("", "empty"), ("PCB 1", "character 4 is a space"), ("PCB\t1", "character 4 is a control character (U+0009)"),
        ("ÄB", "character 1 is \"Ä\" (U+00C4)"), ("A\u{7F}", "character 2 is a control character (U+007F)"),
        ("😀", "character 1 is \"😀\" (U+1F600)"), (String(repeating: "9", count: 65), "65 characters"),
        ("TRV:PASS", "control codes begin with TRV:"),
    ])
    func bad(serial: String, why: String) {
        #expect(!Serial.isValid(serial))
        let problem = #expect(throws: Serial.Problem.self) { try Serial.check(serial) }
        #expect(problem?.message.contains(why) == true)
        #expect(problem?.message.hasPrefix("cannot use") == true)
    }
}

/// The same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
