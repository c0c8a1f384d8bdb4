import ArgumentParser
import ControlAPI
import Testing

@testable import travelerctl

@Suite struct TableTests {
    private let table = Table(
        columns: [
            Column("SERIAL", "serial"), Column("NAME", "name", rank: 3, shrinks: true),
            Column("QTY", "quantity", .number, rank: 1),
            Column("TEAM", "team", rank: 2), .data("secret"),
        ], empty: "None.")
    private let items: [JSONValue] = [
        ["serial": "A-1", "name": "Controller board, large", "quantity": 5, "team": "smt"],
        ["serial": "A-22", "name": "Panel", "quantity": 1_000],
    ]

    private func lines(_ items: [JSONValue], width: Int?) -> [String] {
        var layout: Table.Layout?
        return table.lines(items, Screen(width: width), layout: &layout)
    }

    @Test func columnsAreAlignedAndNumbersStandRight() {
        #expect(
            lines(items, width: nil) == [
                "SERIAL  NAME                      QTY  TEAM",
                "A-1     Controller board, large     5  smt",
                "A-22    Panel                    1000",
            ])
    }

    @Test func longTextsShrinkBeforeColumnsGo() {
        #expect(
            lines(items, width: 38) == [
                "SERIAL  NAME                 QTY  TEAM",
                "A-1     Controller board,…     5  smt",
                "A-22    Panel               1000",
            ])
    }

    @Test func theLeastImportantColumnsGoFirst() {
        #expect(lines(items, width: 30) == ["SERIAL   QTY  TEAM", "A-1        5  smt", "A-22    1000"])
        #expect(lines(items, width: 13) == ["SERIAL   QTY", "A-1        5", "A-22    1000"])
        // What names the row is never cut.
        #expect(lines(items, width: 4) == ["SERIAL", "A-1", "A-22"])
    }

    @Test func whatMustBeReadWholeStandsBelowWhereItHasNoRoom() {
        let table = Table(
            columns: [
                Column("JOB", "id"), Column("PROBLEM", "problem", rank: 1, isWhole: true),
                Column("SINCE", "since", rank: 2),
            ], empty: "None.")
        let items: [JSONValue] = [
            ["id": "1", "problem": "cannot print the label: nobody answers", "since": "today"],
            ["id": "2", "since": "today"],
        ]
        func lines(_ width: Int?) -> [String] {
            var layout: Table.Layout?
            let first = table.lines([items[0]], Screen(width: width), layout: &layout)
            return first + table.lines([items[1]], Screen(width: width), layout: &layout)
        }
        #expect(
            lines(nil) == [
                "JOB  PROBLEM                                 SINCE",
                "1    cannot print the label: nobody answers  today", "2" + String(repeating: " ", count: 44) + "today",
            ])
        // What the first page has none of is not lost on the next.
        var layout: Table.Layout?
        _ = table.lines([items[1]], Screen(width: 30), layout: &layout)
        #expect(table.lines([items[0]], Screen(width: 30), layout: &layout).count == 3)
        #expect(
            lines(30) == [
                "JOB  SINCE", "1    today", "    cannot print the label:", "    nobody answers", "2    today",
            ])
    }

    @Test func amountsHaveTwoDecimalsOrAsManyAsTheyNeed() {
        let column = Column("COST", "cost", .money)
        let amounts: [(JSONValue, String)] = [
            (.double(0), "0.00"), (.int(45), "45.00"), (.double(29.9), "29.90"), (.double(0.05), "0.05"),
            (.double(1.2345), "1.2345"), (.double(-0.5), "-0.50"), (.double(1_000_000_000), "1000000000.00"),
        ]
        for (amount, text) in amounts { #expect(column.text(["cost": amount]) == text) }
        #expect(column.text([:]) == "")
    }

    @Test func aReportEndsWithItsSum() throws {
        var writer = ListWriter(
            table: Report.WriteOffs.table, options: try ListOptions.parse([]), screen: Screen(width: 80))
        let answer = try JSONValue(
            json: #"{"items":[{"key":"scrap","lines":2,"quantity":3,"cost":4.5,"proceeds":0}],"totals":{"key":"","#
                + #""lines":2,"quantity":3,"cost":4.5,"proceeds":0}}"#)
        let lines = try writer.page(answer).split(separator: "\n").map {
            $0.split(separator: " ").joined(separator: " ")
        }
        #expect(lines == ["OF LINES PIECES COST SOLD FOR", "scrap 2 3 4.50 0.00", "All 2 3 4.50 0.00"])
    }

    @Test func columnsWithoutAnyValueAreLeftOut() {
        #expect(lines([["serial": "A-1", "quantity": 5]], width: nil) == ["SERIAL  QTY", "A-1       5"])
    }

    @Test func laterPagesKeepTheLayoutOfTheFirst() {
        var layout: Table.Layout?
        _ = table.lines([items[1]], Screen(width: nil), layout: &layout)
        #expect(
            table.lines(items, Screen(width: nil), layout: &layout) == ["A-1     Cont…     5", "A-22    Panel  1000"])
    }

    @Test func wideCharactersTakeTwoColumns() {
        #expect(displayWidth("基板") == 4)
        #expect(displayWidth("e\u{301}") == 1)
        #expect(displayWidth("👍") == 2)
        #expect(displayWidth("\u{200B}") == 0)
        #expect(fitted("基板です", 5) == "基板…")
        #expect(fitted("基板です", 6) == "基板… ")
        #expect(fitted("ab", 4, right: true) == "  ab")
    }

    @Test func nothingFromTheDaemonSteersTheTerminal() {
        #expect(visible("a\u{1B}[31mb\u{7}\u{7F}") == "a␛[31mb␇␡")
        #expect(visible("\u{9B}2J \u{202E}x") == "<U+9B>2J <U+202E>x")
        #expect(visible("a\n\tb") == "a␊␉b")
        #expect(visible("a\n\tb\r", lines: true) == "a\n\tb␍")
        #expect(visible("Größe 基板 👍") == "Größe 基板 👍")
        let evil: JSONValue = ["serial": "A\u{1B}]0;x\u{7}", "name": .array(["\u{9B}m"]), "team": ["\u{1B}": "\u{9B}"]]
        let text = lines([evil], width: nil).joined() + CSVTests.line(evil, isShown: true).dropLast()
        #expect(text.unicodeScalars.filter(\.isUnsafeToShow).isEmpty)
    }

    @Test func textsAreWrappedAtSpaces() {
        #expect(wrapped("one two three", 7) == ["one two", "three"])
        #expect(wrapped("incomprehensible words", 7) == ["incomprehensible", "words"])
        #expect(wrapped("one two", nil) == ["one two"])
    }
}

@Suite struct CSVTests {
    static func line(_ item: JSONValue, isShown: Bool = false) -> String {
        CSV.row(item, [Column("", "name"), Column("", "team.code", .signed), .data("team")], isShown: isShown)
    }

    @Test func linesEndAsRFC4180Says() {
        #expect(CSV.header([Column("SERIAL", "serial"), .data("after.status")]) == "serial,after.status\r\n")
    }

    @Test(
        "cells are quoted where they need it, and never become formulas",
        arguments: [
            (["name": "plain"], "plain,,\r\n"), (["name": "a,b \"c\"\nd"], "\"a,b \"\"c\"\"\nd\",,\r\n"),
            (["name": "=1+1"], "'=1+1,,\r\n"), (["name": "-x"], "'-x,,\r\n"), (["name": "@a,b"], "\"'@a,b\",,\r\n"),
            (["name": -5], "-5,,\r\n"), (["name": 1.5], "1.5,,\r\n"), (["name": true], "true,,\r\n"),
            (["name": .null], ",,\r\n"), (["name": ["a", "b"]], "a b,,\r\n"),
            (["team": ["code": 3]], ",3,\"{\"\"code\"\":3}\"\r\n"),
        ] as [(JSONValue, String)])
    func cells(item: JSONValue, line: String) {
        #expect(Self.line(item) == line)
    }
}

@Suite struct ListWriterTests {
    private let table = Table(columns: [Column("N", "n", .number)], empty: "No numbers. Count something.")

    private func writer(_ arguments: [String]) throws -> ListWriter {
        ListWriter(table: table, options: try ListOptions.parse(arguments), screen: Screen(width: nil))
    }

    private func page(_ numbers: ClosedRange<Int>, next: String?) -> JSONValue {
        ["items": .array(numbers.map { ["n": .int($0)] }), "next_cursor": next.map(JSONValue.string) ?? .null]
    }

    @Test func aHundredRowsAreAskedForUnlessMoreIsWanted() throws {
        var writer = try writer([])
        #expect(writer.parameters.isEmpty)
        #expect(try writer.page(page(1...2, next: "c")) == "N\n1\n2\n")
        #expect(writer.wantsMore, "a page may be short while there are more")
        #expect(writer.parameters.map(\.value) == ["98", "c"])
        _ = try writer.page(page(3...100, next: "d"))
        #expect(!writer.wantsMore)
        #expect(writer.note?.contains("--all") == true)
    }

    @Test func anEmptyPageIsNotTheEnd() throws {
        var writer = try writer(["--csv"])
        #expect(try writer.page(["items": [], "next_cursor": "c"]) == "n\r\n")
        #expect(writer.wantsMore)
        #expect(try writer.page(page(1...1, next: nil)) == "1\r\n")
        #expect(!writer.wantsMore && writer.note == nil)
    }

    @Test func allFollowsTheCursorToTheEnd() throws {
        var writer = try writer(["--all", "--json"])
        var text = try writer.page(page(1...2, next: "c"))
        #expect(writer.wantsMore)
        #expect(writer.parameters.map { "\($0.name)=\($0.value)" } == ["limit=1000", "cursor=c"])
        text += try writer.page(page(3...3, next: nil))
        #expect(!writer.wantsMore)
        #expect(text + writer.end() == "{\"items\":[{\"n\":1},{\"n\":2},{\"n\":3}],\"next_cursor\":null}\n")
    }

    @Test func aLimitIsOfRowsNotOfPages() throws {
        var writer = try writer(["--limit", "1500", "--csv"])
        #expect(writer.parameters.map(\.value) == ["1000"])
        #expect(try writer.page(page(1...1_000, next: "c")).hasPrefix("n\r\n1\r\n"))
        #expect(writer.wantsMore)
        #expect(writer.parameters.map(\.value) == ["500", "c"])
        #expect(try writer.page(page(1_001...1_500, next: "d")).hasPrefix("1001\r\n"))
        #expect(!writer.wantsMore)
    }

    @Test func anEmptyListSaysWhatToDo() throws {
        var people = try writer([])
        #expect(
            try people.page(["items": [], "next_cursor": .null]) + people.end() == "No numbers. Count something.\n")
        var data = try writer(["--csv"])
        #expect(try data.page(["items": [], "next_cursor": .null]) == "n\r\n")
        var document = try writer(["--json"])
        let text = try document.page(["items": [], "next_cursor": .null])
        #expect(text + document.end() == "{\"items\":[],\"next_cursor\":null}\n")
    }

    @Test(
        "an empty list fits its filters",
        arguments: [
            ("webhook deliveries 1", "Everything was taken."),
            ("webhook deliveries 1 --status dead", "No event is dead."),
            ("spare-part list --low", "No spare part is below its minimum."),
            ("spare-part list --search x", "Nothing matches. Loosen the filters."),
            ("delivery list --status open", "Nothing matches. Loosen the filters."),
            ("delivery list", "No deliveries."),
            ("report returns --from 2026-03-02", "Nothing came back in this time."),
        ])
    func anEmptyListFitsItsFilters(command: String, sentence: String) throws {
        let list = try Travelerctl.parseAsRoot(command.split(separator: " ").map(String.init))
        #expect(try #require(list as? any ListCall).empty == sentence)
    }

    @Test func aCursorThatLeadsNowhereIsAnError() throws {
        var writer = try writer(["--all"])
        _ = try writer.page(page(1...1, next: "c"))
        #expect(throws: Failure.endlessList) { try writer.page(page(1...1, next: "c")) }
    }
}
