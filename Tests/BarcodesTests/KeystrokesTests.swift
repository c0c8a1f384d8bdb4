import Barcodes
import Testing

@Suite struct KeystrokesTests {
    private func decode(_ events: [InputEvent], layout: KeyboardLayout) -> [Frame] {
        var decoder = KeyDecoder(layout: layout)
        return events.compactMap { decoder.feed($0) }
    }

    @Test func asTheKernelReportsThem() throws {
        let events = try Keystrokes.events(typing: "A", startingAt: 500, keyInterval: 1_000)
        let expected: [(Int64, UInt16, Int32, Int32)] = [  // time, key, scan code, value
            (500, 42, 0x700E1, 1), (1_000, 30, 0x70004, 1), (1_500, 30, 0x70004, 0), (2_000, 42, 0x700E1, 0),
            (2_500, 28, 0x70028, 1), (3_000, 28, 0x70028, 0),
        ]
        #expect(
            events
                == expected.flatMap { time, key, scan, value in
                    [
                        InputEvent(time: time, type: 4, code: 4, value: scan),
                        InputEvent(time: time, type: 1, code: key, value: value),
                        InputEvent(time: time, type: 0, code: 0, value: 0),
                    ]
                })
    }

    @Test(arguments: KeyboardLayout.allCases)
    func everyCharacterOfLatin1(layout: KeyboardLayout) throws {
        for code in UInt8.min...UInt8.max where ![9, 10, 13].contains(code) {
            let text = "<" + String(Unicode.Scalar(code)) + ">"
            let all = decode(try Keystrokes.events(typing: text, layout: layout), layout: layout)
            #expect(all.map { Array($0.text.unicodeScalars) } == [Array(text.unicodeScalars)], "\(code)")
            #expect(all.map(\.outcome) == [.complete])
        }
    }

    @Test(arguments: KeyboardLayout.allCases, Keystrokes.GroupSeparator.allCases)
    func anyText(layout: KeyboardLayout, separator: Keystrokes.GroupSeparator) throws {
        var random = SeededGenerator(seed: 5)
        let extra = "\u{1D}\u{1D}]{}[]@\\|~^`´¨âêéàü€ßçµ"
        let characters = Array(0x20...0x7E) + extra.unicodeScalars.map(\.value)
        for _ in 0..<300 {
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 1...40, using: &random) {
                if let scalar = characters.randomElement(using: &random).flatMap(Unicode.Scalar.init),
                    layout != .us || scalar != "€"
                {
                    text.append(scalar)
                }
            }
            guard !text.isEmpty else { continue }
            let events = try Keystrokes.events(
                typing: String(text), layout: layout, startingAt: 7, keyInterval: 20_000, groupSeparator: separator)
            let all = decode(events, layout: layout)
            #expect(all.map { Array($0.text.unicodeScalars) } == [Array(text)])
            #expect(all.map(\.outcome) == [.complete])
        }
    }

    @Test func severalFrames() throws {
        let events = try Keystrokes.events(typing: "A\nB\tC")
        #expect(decode(events, layout: .us).map(\.text) == ["A", "B", "C"])
    }

    @Test func beyondTheKeyboard() throws {
        #expect(try decode(Keystrokes.events(typing: "€", layout: .de), layout: .de).map(\.text) == ["€"])
        let problem = #expect(throws: Keystrokes.Problem.self) { try Keystrokes.events(typing: "A€", layout: .us) }
        #expect(problem?.message.contains("\"€\" on the keyboard us") == true)
    }

    /// Whatever is lost, no part of a code ever passes for a code.
    @Test(arguments: KeyboardLayout.allCases)
    func droppedEventsNeverMakeATextThatWasNotScanned(layout: KeyboardLayout) throws {
        let texts = ["PCB-1", "TRV:OK", "a\u{1D}[2]"]
        var events: [InputEvent] = []
        for text in texts {
            // Scans in quick succession, as from two hands at one scanner.
            events += try Keystrokes.events(typing: text, layout: layout, startingAt: (events.last?.time ?? 0) + 50_000)
        }
        var random = SeededGenerator(seed: 9)
        for start in events.indices {
            for lost in [1, 2, 3, 7, 20, 64] where start + lost < events.count {
                // The reader gets the notice and some more events before it asks for the state of the keys, by when
                // more are queued: those are lost as well.
                let end = start + lost
                let asked = min(events.count, end + Int.random(in: 0...40, using: &random))
                let queued = min(events.count, asked + Int.random(in: 0...40, using: &random))
                var decoder = KeyDecoder(layout: layout)
                var all = events[..<start].map { decoder.feed($0) }
                all.append(decoder.feed(InputEvent(time: events[end].time, type: 0, code: 3, value: 0)))
                all += events[end..<asked].map { decoder.feed($0) }
                var held: Set<UInt16> = []
                for event in events[..<queued] where event.type == 1 {
                    if event.value == 1 { held.insert(event.code) } else { held.remove(event.code) }
                }
                all.append(decoder.resync(pressed: held, capsLock: false, at: events[queued - 1].time))
                all += events[asked..<queued].filter { $0.type != 1 }.map { decoder.feed($0) }
                all += events[queued...].map { decoder.feed($0) }
                let complete = all.compactMap { $0 }.filter { $0.outcome == .complete }.map(\.text)
                if !complete.allSatisfy(texts.contains) { Issue.record("\(complete) after losing \(start)..<\(end)") }
                if all.compactMap({ $0 }).isEmpty { Issue.record("not told of \(start)..<\(end)") }
            }
        }
    }

    @Test func unpluggingAnywhereBreaksAtMostOneFrame() throws {
        let events = try Keystrokes.events(typing: "PCB-1\nPCB-2")
        for end in events.indices {
            var decoder = KeyDecoder()
            let complete = events[..<end].compactMap { decoder.feed($0) }
            #expect(complete.allSatisfy { ["PCB-1", "PCB-2"].contains($0.text) && $0.outcome == .complete })
            let rest = decoder.disconnected()
            #expect(rest.map { $0.outcome == .broken(.unplugged) && $0.text.count < 6 } != false)
            // Plugged in again, it starts afresh.
            #expect(
                try Keystrokes.events(typing: "X", startingAt: 0).compactMap { decoder.feed($0) }.map(\.text) == ["X"])
        }
    }

    @Test func anyEventsAreReadWithoutHarm() {
        var random = SeededGenerator(seed: 6)
        for layout in KeyboardLayout.allCases {
            var decoder = KeyDecoder(layout: layout)
            var time: Int64 = 0
            for _ in 0..<100_000 {
                time += Int64.random(in: 0...30_000, using: &random)
                let event = InputEvent(
                    time: time, type: [0, 1, 1, 1, 1, 4, 17].randomElement(using: &random) ?? 1,
                    code: .random(in: 0...130, using: &random), value: .random(in: -1...2, using: &random))
                if let frame = decoder.feed(event) {
                    #expect(frame.startedAt <= frame.endedAt && frame.endedAt <= time)
                    #expect(frame.text.unicodeScalars.count <= Frame.maximumLength)
                    #expect(frame.outcome != .complete || !frame.text.isEmpty)
                }
            }
        }
    }
}
