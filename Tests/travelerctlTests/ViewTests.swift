import ArgumentParser
import Barcodes
import ControlAPI
import FoundationEssentials
import Glibc
import Testing

@testable import travelerctl

/// What people read, on recorded answers.
@Suite struct ViewTests {
    /// Everybody reads the same clock here.
    private static let clock: Void = {
        setenv("TZ", "UTC0", 1)
        tzset()
    }()

    init() { Self.clock }

    private func draw(_ view: View, _ json: String, width: Int? = nil) throws -> [String] {
        view.draw(try JSONValue(json: json), Screen(width: width))
    }

    @Test func aProductIsACard() throws {
        let card = """
            {"code":"PCB-100","name":"Controller board","type":"pcb","routing":"board","in_stock":3,"in_production":12,\
            "defect":1,"written_off":2,"scrapped":1,"delivered":4,"returned":0,"installed":0,"split":0,"total":22,\
            "unserialised":0,"low_stock":true,"low_stock_threshold":10}
            """
        #expect(
            try draw(.productCard, card) == [
                "PCB-100  Controller board", "pcb, routing board",
                "┌──────────┬────────┬─────────┬───────────┬──────────┬───────┐",
                "│ In stock │ Making │ Defects │ Delivered │ Returned │ Total │",
                "│        3 │     12 │       2 │         4 │        0 │    22 │",
                "└──────────┴────────┴─────────┴───────────┴──────────┴───────┘",
                "2 written off, 1 scrapped", "LOW STOCK: 3 in stock, the threshold is 10",
                "Its serials: travelerctl unit list --product PCB-100",
            ])
        var plain = Screen(width: 80)
        plain.isUnicode = false
        #expect(
            View.productCard.draw(try JSONValue(json: card), plain)[2]
                == "+----------+--------+---------+-----------+----------+-------+")
    }

    private let history = """
        {"items":[
        {"event":"1","at":"2026-03-02T08:00:04.000Z","kind":"unit.registered","station":"LABEL-1","work_order":"1001",
         "after":{"status":"in_production","stage":"assembly","iteration":0,"on_hold":false}},
        {"event":"2","at":"2026-03-02T08:00:27.000Z","kind":"unit.passed","actor":"mia","station":"ASSY-1",
         "before":{"status":"in_production","stage":"assembly","iteration":0,"on_hold":false},
         "after":{"status":"in_production","stage":"testing","iteration":0,"on_hold":false}},
        {"event":"3","at":"2026-03-02T08:01:27.000Z","kind":"unit.held","actor":"lena","note":"look\\u001b at U3",
         "before":{"status":"in_production","stage":"testing","iteration":0,"on_hold":false},
         "after":{"status":"in_production","stage":"testing","iteration":0,"on_hold":true}},
        {"event":"4","at":"2026-03-03T10:01:27.000Z","kind":"unit.written_off","actor":"lena","type":"SOLDER","reason":"scrap",
         "before":{"status":"defect","iteration":0,"on_hold":false},
         "after":{"status":"written_off","iteration":0,"on_hold":false}}],"next_cursor":null}
        """

    @Test func aHistoryIsATimeline() throws {
        #expect(
            try draw(.timeline(of: "A-1"), history)
                == [
                    "A-1", "2026-03-02",
                    "  08:00:04 ● unit.registered   assembly, work order 1001            at LABEL-1",
                    "  08:00:27 ● unit.passed       assembly → testing                   mia at ASSY-1",
                    "  08:01:27 ● unit.held         on hold                              lena",
                    "             look␛ at U3", "2026-03-03",
                    "  10:01:27 ● unit.written off  defect → written off, SOLDER, scrap  lena",
                ])
    }

    @Test func aHistoryFitsANarrowScreen() throws {
        #expect(
            try draw(.timeline(of: "A-1"), history, width: 60)
                == [
                    "A-1", "2026-03-02",
                    "  08:00:04 ● unit.registered   assembly, work order 1001",
                    "                               at LABEL-1",
                    "  08:00:27 ● unit.passed       assembly → testing",
                    "                               mia at ASSY-1",
                    "  08:01:27 ● unit.held         on hold  lena",
                    "             look␛ at U3", "2026-03-03",
                    "  10:01:27 ● unit.written off  defect → written off, SOLDER,",
                    "                               scrap",
                    "                               lena",
                ])
    }

    @Test func anUndoSaysWhatItTookBack() throws {
        let at = #""station":"QA-1","actor":"mia""#
        func state(_ stage: String) -> String { #"{"status":"in_production","stage":"\#(stage)","iteration":1}"# }
        let (testing, coating) = (state("testing"), state("coating"))
        let undone = """
            {"items":[
            {"event":"7","at":"2026-03-02T08:00:04.000Z","kind":"unit.passed",\(at),"before":\(testing),"after":\(coating)},
            {"event":"8","at":"2026-03-02T08:00:09.000Z","kind":"unit.undone",\(at),"before":\(coating),"after":\(testing),
             "undoes":"7"},
            {"event":"9","at":"2026-03-03T08:00:09.000Z","kind":"unit.undone",\(at),"before":\(coating),"after":\(testing),
             "undoes":"7"},
            {"event":"10","at":"2026-03-03T08:00:19.000Z","kind":"unit.undone",\(at),"before":\(coating),"after":\(testing),
             "undoes":"5"}],"next_cursor":null}
            """
        #expect(
            try draw(.timeline(of: "A-1"), undone, width: 80)
                == [
                    "A-1", "2026-03-02",
                    "  08:00:04 ● unit.passed  testing → coating                          mia at QA-1",
                    "  08:00:09 ● unit.undone  coating → testing, takes back unit.passed  mia at QA-1",
                    "                          of 08:00:04", "2026-03-03",
                    "  08:00:09 ● unit.undone  coating → testing, takes back unit.passed  mia at QA-1",
                    "                          of 2026-03-02 08:00:04",
                    "  08:00:19 ● unit.undone  coating → testing, takes back event 5      mia at QA-1",
                ])
    }

    @Test func anItemThatLeftInMoreThanOneWaySaysSo() throws {
        let item = """
            {"id":"715","product":"RES-10K","quantity":10,"in_repacking":0,"restocked":1,"refurbished":0,"written_off":9,\
            "to_defect":0,"status":"ready","decision":"dispose"}
            """
        let shown = try draw(.customerReturn, #"{"id":"714","items":[\#(item)],"replacements":[]}"#, width: 80)
        #expect(shown.last == "Item 715  1 put into stock, 9 written off", "\(shown)")
        func process(_ arguments: String...) throws -> [String] {
            try draw(try Repacking.Process.parse(["715"] + arguments).view, item)
        }
        #expect(
            try process("write_off", "--quantity", "9")
                == ["9 of RES-10K are written off; 1 was put into stock before."])
        #expect(
            try process("write_off", "--quantity", "1")
                == ["1 of RES-10K is written off; 1 was put into stock before; 8 were written off before."])
        let unit = #"{"serial":"B-1","product":"P","in_repacking":0,"restocked":1,"written_off":0}"#
        #expect(try draw(try Repacking.Process.parse(["1", "ready"]).view, unit) == ["B-1 is in stock."])
    }

    @Test func anExchangeTellsHowToSendUntilSomethingWasSent() throws {
        func lines(_ replacements: String) throws -> [String] {
            try draw(
                .customerReturn, #"{"id":"7","kind":"exchange","status":"completed","replacements":\#(replacements)}"#)
        }
        #expect(try lines("[]").contains { $0.contains("scan TRV:RETURN:7 at a ship station") })
        #expect(try !lines(#"["9"]"#).contains { $0.contains("TRV:RETURN") })
    }

    @Test func aChangedUnitIsOneSentence() throws {
        #expect(
            try draw(.unitNow, #"{"serial":"A-1","status":"in_production","stage":"qa","iteration":2,"on_hold":true}"#)
                == ["A-1 is in production at qa, on hold (sent back 2 times)."])
        #expect(
            try draw(.unitNow, #"{"serial":"A-1","status":"written_off","iteration":0,"on_hold":false}"#)
                == ["A-1 is written off."])
    }

    @Test func aPlanSaysWhatWouldChange() throws {
        let plan = """
            {"changes":[{"action":"create","kind":"product","name":"PCB-100"},
            {"action":"change","kind":"person","name":"mia","fields":["name","team"]},
            {"action":"new_version","kind":"routing","name":"board"},{"action":"retire","kind":"station","name":"X"}]}
            """
        #expect(
            try draw(.plan(done: false), plan) == [
                "+ product PCB-100", "~ person mia: name, team", "^ routing board (a new version)", "- station X",
                "1 to be created, 1 to be changed, 1 to be versioned, 1 to be retired.",
            ])
        #expect(try draw(.plan(done: true), #"{"changes":[],"unchanged":true}"#) == ["Nothing changed."])
    }

    @Test func aBrokenLedgerEndsWithOne() throws {
        let broken = try JSONValue(
            json: #"{"ok":false,"events":9,"problem":{"table":"unit","row":"A","expected":1,"found":2,"message":"m"}}"#)
        let verify = try Audit.Verify.parse([])
        #expect(verify.view.draw(broken, Screen(width: nil)).first == "The ledger is NOT whole (9 events checked).")
        #expect(Audit.Verify.exit(broken) == .refused)
        #expect(Audit.Verify.exit(["ok": true, "events": 9]) == .done)
    }

    @Test func problemsNameTheirPlaces() {
        let problem = Problem(
            .invalidArgument, "cannot apply the site file: 2 mistakes",
            errors: [
                .init(line: 3, column: 7, path: "products[0].code", message: "a code is expected"),
                .init(message: "no stations"),
            ])
        let failure = Failure(problem)
        #expect(
            failure.text(json: false, file: "plant.yaml", Screen(width: 80)) == """
                travelerctl: cannot apply the site file: 2 mistakes
                  plant.yaml:3:7: products[0].code: a code is expected
                  plant.yaml: no stations
                """)
        // A mistake that the sentence names already is not named twice, and long sentences are broken between words.
        let one = Problem(
            .invalidArgument, "cannot use the query: `order`: expected one of date, -date",
            errors: [.init(path: "order", message: "`order`: expected one of date, -date")])
        #expect(
            Failure(one).text(json: false, Screen(width: 40)) == """
                travelerctl: cannot use the query:
                `order`: expected one of date, -date
                """)
        #expect(failure.exit == .usage)
        #expect(failure.text(json: true, Screen(width: nil)) == problem.json.json)
    }

    // MARK: Scans

    private let accepted: JSONValue = [
        "result": "accepted", "word": "PASSED", "colour": "green", "serial": "A-1", "code": "A-1",
        "message": "A-1 passed assembly.", "next": "testing",
        "operator": "mia", "at": "2026-03-02T08:00:04.000Z",
    ]
    private let refused: JSONValue = [
        "result": "refused", "word": "REFUSED", "colour": "red", "code": "X\u{1B}", "message": "There is no unit X.",
    ]

    @Test func aScanIsOneLineInAPipe() {
        #expect(ScanAnswer(json: accepted).line == "08:00:04  PASSED  A-1  A-1 passed assembly.  (mia)")
        #expect(ScanAnswer(json: refused).line == "REFUSED  X␛  There is no unit X.")
    }

    @Test func resultsHaveTheirColours() {
        #expect(ScanAnswer(json: accepted).fill == .onGreen)
        #expect(ScanAnswer(json: refused).fill == .onRed)
        #expect(ScanAnswer(json: ["result": "accepted", "word": "VERDICT?", "colour": "amber"]).fill == .onAmber)
        // What is not for the reader: only that it counted.
        #expect(ScanAnswer(json: ["result": "accepted"]).fill == .onGrey)
        #expect(ScanAnswer(json: ["result": "ignored", "word": "REFUSED", "colour": "red"]).isRefused)
        #expect(!ScanAnswer(json: ["result": "ignored", "word": "READ TWICE", "colour": "amber"]).isRefused)
        #expect(ScanAnswer(json: ["result": "something_new"]).isRefused)
    }

    @Test func everyWordFitsIntoLargeLetters() {
        let words = [
            "PASSED", "FAILED", "SCRAP", "REWORK", "ON HOLD", "RELEASED", "VERDICT?", "NEW LABEL", "REGISTERED",
            "ADDED",
            "RECEIVED", "TAKEN BACK", "PRINTED", "FOUND", "SIGNED ON", "SIGNED OFF", "OPEN", "CLOSED", "CLEAR", "NOTED",
            "READ TWICE", "REFUSED", "READY", "OFFLINE",
        ]
        let screen = Screen(width: 80, height: 24)
        for word in words {
            let band = ScanAnswer.band(word, .onGreen, screen)
            #expect(band.allSatisfy { displayWidth($0) <= 80 }, "\(word)")
            for letter in Set(word) {
                #expect(BlockLetters.lines(String(letter), screen).allSatisfy { !$0.isEmpty }, "\(letter)")
            }
        }
    }

    @Test func theTallyCountsEachScan() {
        var tally = Tally()
        for json in [accepted, refused, ["result": "ignored"], accepted] { tally.add(ScanAnswer(json: json)) }
        #expect(tally.sentence == "2 accepted, 1 refused, 1 ignored")
    }

    @Test func aStationsScreenShowsTheLastScanAndThoseBefore() {
        var board = StationBoard(name: "QA-1")
        board.isReachable = true
        let screen = Screen(width: 80, height: 24)
        #expect(board.lines(screen).last == "  Waiting for the first scan.")
        board.add(ScanAnswer(json: refused))
        board.add(ScanAnswer(json: accepted))
        let lines = board.lines(screen)
        #expect(lines.count <= 24)
        #expect(lines.contains("  Next: testing"))
        #expect(lines.last == "REFUSED  X␛  There is no unit X.")
        for _ in 0..<100 { board.add(ScanAnswer(json: accepted)) }
        #expect(board.lines(screen).count <= 24)
        #expect(board.lines(screen).allSatisfy { displayWidth($0) <= 80 })
        board.isReachable = false
        #expect(board.lines(screen).contains { $0.contains("The daemon is not reachable") })
    }

    @Test func theFloorsScreenFitsItsSize() throws {
        var board = FloorBoard()
        board.products = (0..<50).map { ["code": .string("P-\($0)"), "in_stock": 1, "total": 2] }
        board.progress = (0..<50).map { ["product": .string("P-\($0)"), "stage": "qa", "count": 3] }
        for number in 0..<100 {
            board.add(["kind": "unit.passed", "unit": .string("A-\(number)"), "at": "2026-03-02T08:00:04.000Z"])
        }
        for height in [10, 24, 60] {
            let lines = board.lines(Screen(width: 80, height: height))
            #expect(lines.count <= height)
            #expect(lines.contains { $0.contains("A-99") })
        }
    }

    // MARK: Times

    @Test func daysStandForTheirBounds() throws {
        #expect(LocalTime.wire("2026-03-02", endOfDay: false) == "2026-03-02T00:00:00.000Z")
        #expect(LocalTime.wire("2026-02-28", endOfDay: true) == "2026-03-01T00:00:00.000Z")
        // A day without a midnight, by the system's file of a zone.
        let file = try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/America/Santiago"))
        let offset = try TimeZoneRules(Array(file)).offset(atUnixSeconds:)
        #expect(LocalTime.wire("2026-09-06", endOfDay: false, offset: offset) == "2026-09-06T04:00:00.000Z")
        #expect(LocalTime.wire("2026-09-05", endOfDay: true, offset: offset) == "2026-09-06T04:00:00.000Z")
        #expect(LocalTime.wire("2026-09-06", endOfDay: true, offset: offset) == "2026-09-07T03:00:00.000Z")
        #expect(LocalTime.wire("2026-03-02 08:30", endOfDay: true) == "2026-03-02T08:30:00.000Z")
        #expect(LocalTime.wire("2026-03-02T08:30:15", endOfDay: true) == "2026-03-02T08:30:15.000Z")
        #expect(LocalTime.wire("2026-03-02T08:30:15+02:00", endOfDay: false) == "2026-03-02T06:30:15.000Z")
        #expect(LocalTime.wire("monday", endOfDay: false) == nil)
        #expect(LocalTime.text("2026-03-02T08:30:15.000Z") == "2026-03-02 08:30")
        #expect(LocalTime.text("whenever\u{7}") == "whenever␇")
    }
}
