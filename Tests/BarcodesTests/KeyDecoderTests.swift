import Barcodes
import Testing

@Suite struct KeyDecoderTests {
    @Test(
        "keys become text",
        arguments: [
            (.us, "P C B MINUS 1 ENTER", "pcb-1"),
            (.us, "LSHIFT+ P C B LSHIFT- MINUS 1 ENTER", "PCB-1"),
            (.us, "RSHIFT+ P RSHIFT- C KPENTER", "Pc"),
            (.us, "LSHIFT+ RSHIFT+ A LSHIFT- B RSHIFT- C TAB", "ABc"),
            (.us, "LSHIFT+ A B+ LSHIFT- B- C ENTER", "ABc"),  // Shift counts at the press
            (.us, "CAPSLOCK A LSHIFT+ B 1 LSHIFT- 1 CAPSLOCK A ENTER", "Ab!1a"),
            (.us, "CAPSLED=1 A MINUS CAPSLED=0 A ENTER", "A-a"),
            (.us, "CAPSLOCK CAPSLED=1 A ENTER", "A"),  // both tell of the same press
            (.us, "A+ A* A* A- B ENTER", "ab"),
            (.us, "A NUMLOCK WAKEUP BTN_LEFT B LMETA ENTER", "ab"),
            (.us, "KP1 KP0 KPDOT KP5 KPSLASH SPACE A ENTER", "10.5/ a"),
            (.us, "102ND BACKSLASH LSHIFT+ GRAVE LSHIFT- ENTER", "\\\\~"),
            // Control characters.
            (.us, "A LCTRL+ RBRACE LCTRL- B ENTER", "a\u{1D}b"),
            (.us, "A RCTRL+ LBRACE BACKSLASH 6 MINUS RCTRL- B ENTER", "a\u{1B}\u{1C}\u{1E}\u{1F}b"),
            (.us, "LCTRL+ B LSHIFT+ C LSHIFT- LCTRL- X ENTER", "\u{2}\u{3}x"),
            (.us, "A F8 B ENTER", "a\u{1D}b"),
            (.us, "ESC A BACKSPACE ENTER", "\u{1B}a\u{8}"),
            (.us, "A LALT+ KP0 KP2 KP9 LALT- B ENTER", "a\u{1D}b"),
            (.us, "A LALT+ KP0 KP0 KP2 KP9 LALT- B ENTER", "a\u{1D}b"),
            (.us, "LALT+ KP6 KP5 LALT- LALT+ KP0 KP2 KP5 KP2 LALT- LALT+ LALT- ENTER", "Aü"),
            (.us, "A LCTRL+ M LCTRL-", "a"), (.us, "A LCTRL+ J LCTRL-", "a"), (.us, "A LALT+ KP0 KP1 KP3 LALT-", "a"),
            // British: signs on other keys than in the United States, AltGr.
            (.uk, "LSHIFT+ 2 3 APOSTROPHE GRAVE BACKSLASH LSHIFT- BACKSLASH 102ND ENTER", "\"£@¬~#\\"),
            (.uk, "RALT+ 4 GRAVE RALT- LCTRL+ LALT+ E LALT- LCTRL- A LCTRL+ RBRACE LCTRL- ENTER", "€¦éa\u{1D}"),
            (.uk, "CAPSLOCK A 1 LSHIFT+ B LSHIFT- CAPSLOCK 102ND ENTER", "A1b\\"),
            // German: z and y, umlauts, AltGr as the right Alt or as Ctrl+Alt, dead keys.
            (.de, "Z Y LSHIFT+ Z Y LSHIFT- ENTER", "yzYZ"),
            (.de, "LBRACE SEMICOLON APOSTROPHE MINUS LSHIFT+ LBRACE LSHIFT- ENTER", "üöäßÜ"),
            // As on Windows, Caps Lock is a Shift Lock there, but not for these four keys.
            (.de, "CAPSLOCK LBRACE Z MINUS 1 DOT CAPSLOCK 1 ENTER", "ÜY?!:1"),
            (.de, "CAPSLOCK SLASH 102ND LSHIFT+ SLASH Z 1 LSHIFT- ENTER", "-<_y1"),
            (.de, "SLASH LSHIFT+ SLASH 7 DOT LSHIFT- ENTER", "-_/:"),
            (.de, "RALT+ 7 8 9 0 MINUS Q RBRACE 102ND RALT- ENTER", "{[]}\\@~|"),
            (.de, "LCTRL+ LALT+ 8 LALT- LCTRL- LCTRL+ RALT+ 9 RALT- LCTRL- ENTER", "[]"),
            (.de, "A LCTRL+ RBRACE LCTRL- LCTRL+ Z LCTRL- ENTER", "a\u{1D}\u{19}"),
            (.de, "LALT+ KP0 KP2 KP9 LALT- KP1 KPDOT ENTER", "\u{1D}1,"),
            (.de, "GRAVE SPACE GRAVE A EQUAL E LSHIFT+ EQUAL LSHIFT- SPACE ENTER", "^âé`"),
            (.de, "GRAVE X GRAVE GRAVE EQUAL ENTER", "^x^^´"),  // what doesn't combine is kept
            // French: digits need Shift.
            (.fr, "1 2 6 LSHIFT+ 1 2 0 LSHIFT- ENTER", "&é-120"),
            (.fr, "Q W A Z SEMICOLON M LSHIFT+ COMMA SLASH LSHIFT- SLASH ENTER", "azqwm,.§!"),
            (.fr, "RALT+ 0 5 EQUAL 3 8 RALT- ENTER", "@[}#\\"),
            (.fr, "RALT+ 2 RALT- SPACE RALT+ 9 RALT- LBRACE E ENTER", "~^ê"),
            (.fr, "CAPSLOCK Q 1 SEMICOLON COMMA CAPSLOCK 1 ENTER", "A1M.&"),
            (.fr, "CAPSLOCK H Q 1 1 2 CAPSLOCK ENTER", "HA112"),
            (.fr, "CAPSLOCK A 1 2 3 4 5 6 7 8 9 0 MINUS EQUAL DOT SLASH CAPSLOCK ENTER", "Q1234567890°+/§"),
            (.fr, "CAPSLOCK 102ND LSHIFT+ Q 1 LSHIFT- ENTER", "<a&"),
            (.fr, "A LCTRL+ RBRACE Q LCTRL- ENTER", "q\u{1D}\u{1}"),
        ] as [(KeyboardLayout, String, String)])
    func text(layout: KeyboardLayout, script: String, text: String) throws {
        let all = try frames(script, layout: layout)
        #expect(all.map(\.text) == [text])
        #expect(all.map(\.outcome) == [.complete])
    }

    @Test(
        "nothing",
        arguments: [
            "", "ENTER", "ENTER TAB KPENTER", "LSHIFT CAPSLOCK ENTER", "LSHIFT+ ~500 LSHIFT-", "CAPSLED=1 ^500",
            "A- ENTER", "UNPLUG",
        ])
    func nothing(script: String) throws {
        #expect(try frames(script) == [])
    }

    @Test(
        "what breaks a frame, and what comes after it",
        arguments: [
            // A pause is noticed by the next event, or by the time.
            ("A B ~150 C ENTER D ENTER", ["pause ab", "pause c", "complete d"]),
            ("A B ^150 C ENTER", ["pause ab", "pause c"]),
            ("A B ~990 C ENTER", ["pause ab", "pause c"]),
            ("A B ~1001 C ENTER", ["pause ab", "complete c"]),
            ("A B ~98 C ENTER", ["complete abc"]),
            ("A B ~99 C ENTER", ["pause ab", "pause c"]),  // 100 ms from the release on
            ("A B ^150 ENTER", ["pause ab"]),
            ("A ~150 UNPLUG", ["unplugged a"]),
            ("LALT+ KP0 KP2 ^150 KP9 LALT- ENTER", ["pause "]),
            ("LSHIFT+ A ^150 B LSHIFT- ENTER", ["pause A", "pause B"]),
            // Dropped events: nothing is believed up to an end or a pause.
            ("A DROPPED B REPORT C ENTER D ENTER", ["dropped a", "complete d"]),
            ("A DROPPED REPORT C ~150 D ENTER E ENTER", ["dropped a", "pause d", "complete e"]),
            ("A DROPPED REPORT C ^150 D ENTER E ENTER", ["dropped a", "pause d", "complete e"]),
            ("A DROPPED REPORT C ~1001 D ENTER", ["dropped a", "complete d"]),
            ("DROPPED REPORT B ENTER C ENTER", ["dropped ", "complete c"]),
            ("A DROPPED REPORT B DROPPED REPORT C ENTER D ENTER", ["dropped a", "complete d"]),
            ("LSHIFT+ A DROPPED REPORT ENTER B ENTER", ["dropped A", "complete b"]),
            ("A ~150 DROPPED REPORT B ENTER C ENTER", ["pause a", "complete c"]),
            ("A DROPPED REPORT B UNPLUG C ENTER", ["dropped a", "complete c"]),
            ("A DROPPED REPORT LCTRL+ M LCTRL- C ENTER", ["dropped a", "complete c"]),
            // Unplugged: the next device begins anew, without held keys.
            ("A B UNPLUG C ENTER", ["unplugged ab", "complete c"]),
            ("CAPSLOCK LSHIFT+ A UNPLUG B ENTER", ["unplugged a", "complete b"]),
            // Keys that are no characters.
            ("A HOME B ENTER C ENTER", ["unknownKey a", "complete c"]),
            ("A F1 B ~150 C ENTER", ["unknownKey a", "pause c"]),
            ("A F1 B ~1001 C ENTER", ["unknownKey a", "complete c"]),
            ("A LALT+ B LALT- ENTER C ENTER", ["unknownKey a", "complete c"]),
            ("A RALT+ B RALT- ENTER C ENTER", ["unknownKey a", "complete c"]),
            ("A LMETA+ B LMETA- ENTER C ENTER", ["unknownKey a", "complete c"]),
            ("A LCTRL+ 1 LCTRL- ENTER C ENTER", ["unknownKey a", "complete c"]),
            ("A LALT+ KP8 KP3 KP6 KP4 LALT- ENTER C ENTER", ["unknownKey a", "complete c"]),
            ("HOME ENTER C ENTER", ["unknownKey ", "complete c"]),
        ])
    func broken(script: String, expected: [String]) throws {
        let told = try frames(script).map { frame in
            switch frame.outcome {
            case .complete: "complete \(frame.text)"
            case .broken(let cause): "\(cause) \(frame.text)"
            }
        }
        #expect(told == expected)
    }

    @Test func atMost512Characters() throws {
        let keys = Array(repeating: "A", count: 512).joined(separator: " ")
        #expect(try frames(keys + " ENTER").map(\.outcome) == [.complete])
        let long = try frames(keys + " B C D ENTER X ENTER")
        #expect(long.map(\.outcome) == [.broken(.tooLong), .complete])
        #expect(long.map(\.text) == [String(repeating: "a", count: 512), "x"])
        // An accent that waits at the end is a character too.
        #expect(
            try frames(keys + " GRAVE ENTER X ENTER", layout: .de).map(\.outcome) == [.broken(.tooLong), .complete])
    }

    @Test func times() throws {
        let script = try frames("~10 LSHIFT+ A LSHIFT- B ENTER C ^150")
        #expect(script.map(\.startedAt) == [1_011_000, 1_018_000])  // not at Shift
        #expect(script.map(\.endedAt) == [1_016_000, 1_019_000])  // Enter's press; the last release
    }

    @Test func deadlineIsThePauseFromTheLastKeyOn() {
        var decoder = KeyDecoder()
        #expect(decoder.deadline == nil)
        _ = decoder.feed(InputEvent(time: 5_000, type: 1, code: 30, value: 1))
        #expect(decoder.deadline == 105_000)
        #expect(decoder.elapsed(to: 104_999) == nil)
        #expect(
            decoder.elapsed(to: 105_000) == Frame(text: "a", outcome: .broken(.pause), startedAt: 5_000, endedAt: 5_000)
        )
        #expect(decoder.deadline == nil)
        #expect(decoder.elapsed(to: 500_000) == nil)
    }

    @Test func heldKeysAreReadAgainAfterADrop() {
        var decoder = KeyDecoder()
        func tap(_ code: UInt16, at time: Int64) -> Frame? {
            decoder.feed(InputEvent(time: time, type: 1, code: code, value: 1))
        }
        _ = decoder.feed(InputEvent(time: 0, type: 0, code: 3, value: 0))
        #expect(decoder.needsResync)
        _ = decoder.feed(InputEvent(time: 0, type: 0, code: 0, value: 0))
        #expect(decoder.needsResync)
        #expect(decoder.resync(pressed: [42, 30], capsLock: false, at: 0) == nil)
        #expect(!decoder.needsResync)
        _ = tap(28, at: 1_000)  // the end of what was dropped
        _ = tap(30, at: 2_000)
        #expect(tap(28, at: 3_000)?.text == "A")
        decoder.opened(pressed: [], capsLock: true, at: nil)
        _ = tap(30, at: 4_000)
        _ = tap(2, at: 5_000)
        #expect(tap(28, at: 6_000)?.text == "A1")
    }

    @Test func askingForTheHeldKeysLosesWhatIsQueued() {
        var decoder = KeyDecoder()
        func feed(_ type: UInt16, _ code: UInt16, _ value: Int32, at time: Int64) -> Frame? {
            decoder.feed(InputEvent(time: time, type: type, code: code, value: value))
        }
        #expect(feed(0, 3, 0, at: 0)?.outcome == .broken(.dropped))
        _ = feed(0, 0, 0, at: 0)
        _ = feed(1, 28, 1, at: 1_000)  // the end of what was dropped
        _ = feed(1, 30, 1, at: 2_000)  // "a" of the next frame, whose "b" is lost by asking
        let frame = decoder.resync(pressed: [], capsLock: false, at: 2_000)
        #expect(frame == Frame(text: "a", outcome: .broken(.dropped), startedAt: 2_000, endedAt: 2_000))
        _ = feed(1, 46, 1, at: 4_000)
        #expect(feed(1, 28, 1, at: 5_000) == nil)
        _ = feed(1, 46, 1, at: 6_000)
        #expect(feed(1, 28, 1, at: 7_000)?.text == "c")
    }

    @Test func aPauseAfterADropCountsFromTheMomentOfAsking() {
        var decoder = KeyDecoder()
        func tap(_ code: UInt16, at time: Int64) -> Frame? {
            decoder.feed(InputEvent(time: time, type: 1, code: code, value: 1))
        }
        _ = decoder.feed(InputEvent(time: 0, type: 0, code: 3, value: 0))
        _ = decoder.feed(InputEvent(time: 0, type: 0, code: 0, value: 0))
        // What was typed up to now is lost, two seconds after the notice; the tail of it still comes.
        #expect(decoder.resync(pressed: [], capsLock: false, at: 2_000_000) == nil)
        #expect(decoder.deadline == 2_100_000)
        #expect(tap(30, at: 2_020_000) == nil)
        #expect(tap(28, at: 2_030_000) == nil)
        _ = tap(46, at: 2_040_000)
        #expect(tap(28, at: 2_050_000)?.outcome == .complete)
    }

    @Test(
        "what begins right after the opening may be a tail",
        arguments: [
            ([], 99_999, false), ([], 100_000, true), ([30], 999_999, false), ([42], 999_999, false),
            ([30], 1_000_000, true),
        ] as [([UInt16], Int64, Bool)])
    func opened(pressed: [UInt16], after: Int64, isComplete: Bool) {
        var decoder = KeyDecoder()
        func type(_ code: UInt16, at time: Int64) -> Frame? {
            decoder.feed(InputEvent(time: time, type: 1, code: code, value: 1))
        }
        decoder.opened(pressed: pressed, capsLock: false, at: 7_000_000)
        for key in pressed { _ = decoder.feed(InputEvent(time: 7_000_001, type: 1, code: key, value: 0)) }
        // The end alone is no frame.
        if !isComplete { #expect(type(96, at: 7_000_002) == nil) }
        decoder.opened(pressed: pressed, capsLock: false, at: 7_000_000)
        for key in pressed { _ = decoder.feed(InputEvent(time: 7_000_003, type: 1, code: key, value: 0)) }
        #expect(type(30, at: 7_000_000 + after) == nil)
        let frame = type(28, at: 7_001_000 + after)
        #expect(frame?.text == "a")
        #expect(frame?.outcome == (isComplete ? .complete : .broken(.pause)))
        _ = type(46, at: 7_002_000 + after)
        #expect(type(28, at: 7_003_000 + after)?.outcome == .complete)
    }

    @Test func recordings() {
        func decode(_ annotated: String) -> [Frame] {
            var decoder = KeyDecoder()
            return InputEvent.decode(Recordings.bytes(annotated)).compactMap { decoder.feed($0) }
        }
        let start: Int64 = 1_772_438_400_000_000
        #expect(
            decode(Recordings.held) == [
                Frame(text: "PCB-7", outcome: .complete, startedAt: start + 1_000, endedAt: start + 12_000)
            ])
        #expect(decode(Recordings.dropped).map(\.text) == ["a", "d"])
        #expect(decode(Recordings.dropped).map(\.outcome) == [.broken(.dropped), .complete])
    }
}

@Suite struct InputEventTests {
    @Test func layoutOfTheStruct() {
        let bytes = Recordings.bytes("401fa56900000000 3930000000000000 0100 1e00 ffffffff")
        let event = InputEvent(time: 1_772_429_120_012_345, type: 1, code: 30, value: -1)
        #expect(InputEvent.decode(bytes) == [event])
        #expect(event.bytes == bytes)
        #expect(bytes.count == InputEvent.size)
    }

    @Test func anyEventRoundTrips() {
        var random = SeededGenerator(seed: 4)
        let events = (0..<500).map { _ in
            InputEvent(
                time: Int64.random(in: -4_000_000_000_000_000...4_000_000_000_000_000, using: &random),
                type: .random(in: 0...UInt16.max, using: &random), code: .random(in: 0...UInt16.max, using: &random),
                value: .random(in: Int32.min...Int32.max, using: &random))
        }
        let bytes = events.flatMap(\.bytes)
        #expect(InputEvent.decode(bytes) == events)
        #expect(InputEvent.decode(Array(bytes.dropLast())) == Array(events.dropLast()))
        #expect(InputEvent.decode([UInt8](repeating: 0xFF, count: 24)).count == 1)
        #expect(InputEvent.decode([]) == [])
    }
}

@Suite struct LineFramerTests {
    private func frames(_ bytes: [UInt8]) -> [Frame] {
        var framer = LineFramer()
        return bytes.enumerated().compactMap { framer.feed($1, at: Int64($0)) }
    }

    @Test(
        "lines end at CR, LF or both",
        arguments: ["PCB-1\rPCB-2\r", "PCB-1\nPCB-2\n", "PCB-1\r\nPCB-2\r\n", "\n\rPCB-1\n\n\r\r\nPCB-2\n"])
    func ends(bytes: String) {
        let all = frames(Array(bytes.utf8))
        #expect(all.map(\.text) == ["PCB-1", "PCB-2"])
        #expect(all.map(\.outcome) == [.complete, .complete])
    }

    @Test func textIsUTF8OrElseLatin1() {
        #expect(frames(Array("Lötö\n".utf8)).map(\.text) == ["Lötö"])
        #expect(frames([0x4C, 0xF6, 0x74, 0x1D, 0x0A]).map(\.text) == ["Löt\u{1D}"])
        #expect(frames(Array("A\tB\n".utf8)).map(\.text) == ["A\tB"])
    }

    @Test func atMost512Bytes() {
        let fits = frames([UInt8](repeating: 65, count: 512) + [10])
        #expect(fits.map(\.outcome) == [.complete])
        #expect(fits.map(\.endedAt) == [512])
        let long = frames([UInt8](repeating: 65, count: 2_000) + [13, 10, 66, 10])
        #expect(long.map(\.outcome) == [.broken(.tooLong), .complete])
        #expect(long.map(\.text) == [String(repeating: "A", count: 512), "B"])
    }

    @Test func disconnecting() {
        var framer = LineFramer()
        #expect(framer.disconnected(at: 1) == nil)
        #expect(framer.feed(65, at: 2) == nil)
        #expect(framer.disconnected(at: 3) == Frame(text: "A", outcome: .broken(.unplugged), startedAt: 2, endedAt: 3))
        #expect(framer.feed(66, at: 4) == nil)
        #expect(framer.feed(10, at: 5)?.text == "B")
    }
}
