import ArgumentParser
import ControlAPI
import Testing

@testable import travelerctl

/// What people see before they agree, and of what was changed.
@Suite struct ShownTests {
    private let screen = Screen(width: 80)

    @Test(
        "an event says what it changed, before and after",
        arguments: [
            (
                #"{"before":{"status":"in_production","stage":"testing"},"after":{"status":"defect","defect_case":"12"}}"#,
                "in production at testing -> defect, case 12"
            ),
            (
                #"{"before":{"status":"in_stock","on_hold":false},"after":{"status":"in_stock","on_hold":true}}"#,
                "on hold no -> yes"
            ),
            (
                #"""
                {"details":{"before":{"id":"4","status":"pending","note":"a","location":"S1","updated_at":"x"},
                "after":{"id":"4","status":"pending","note":"b","supplier":"acme","updated_at":"y"}}}
                """#, "note a -> b; supplier none -> acme; location S1 -> none"
            ),
            (#"{"after":{"status":"in_production","stage":"assembly"}}"#, "in production at assembly"),
            (#"{"details":{"change":-5}}"#, "stock -5"),
            (
                #"""
                {"details":{"checklist":[{"question":2,"text":"Packaging is whole","after":"no","note":"torn"}]}}
                """#, "Packaging is whole none -> no (torn)"
            ),
            (
                #"{"details":{"changes":[{"kind":"product","name":"PCB-100"},{"kind":"settings","name":""}]}}"#,
                "product PCB-100; settings"
            ),
            (
                #"""
                {"details":{"changes":[{"kind":"person","name":"mia","fields":[{"name":"role","before":"member",
                "after":"team_lead"},{"name":"grants","after":["deliver"]}]}]}}
                """#, "person mia: role member -> team_lead, grants none -> deliver"
            ),
            (
                #"{"before":{"types":[{"type":"SOLDER","quantity":1}]},"after":{"types":[{"type":"SCRATCH","quantity":2}]}}"#,
                "types SOLDER -> SCRATCH x2"
            ),
        ])
    func anEventSaysWhatItChanged(event: String, change: String) throws {
        #expect(Change.text(try JSONValue(json: event)) == change)
    }

    private let cases: [JSONValue] = [
        [
            "id": "4711", "supplier": "acme", "product": "PCB-100", "serial": "PCB-100-2647-0003", "quantity": 1,
            "remaining": 1, "types": [["type": "SCRATCH", "quantity": 1]], "note": "the corner is bent, see the photo",
            "location": "SHELF-3",
        ],
        ["id": "4712", "supplier": "volt", "product": "PSU-1", "quantity": 1, "remaining": 1],
        ["id": "4713", "product": "PSU-1", "quantity": 1, "remaining": 1],
    ]

    @Test func whoseACaseIsStandsThereBeforeItIsSent() {
        for width in [40, 80, 200] {
            let lines = Defect.Route.table.whole(cases, Screen(width: width))
            #expect(lines[0].contains("SUPPLIER") && lines[1].contains("acme"), "\(lines)")
            #expect(lines.allSatisfy { displayWidth($0) <= width }, "\(lines)")
        }
    }

    @Test func anotherSuppliersCaseIsWarnedOf() {
        #expect(Defect.Route.foreign(cases, to: "volt") == ["1 case came from acme, not from volt: 4711."])
        #expect(Defect.Route.foreign([cases[1], cases[2]], to: "volt").isEmpty)
    }

    @Test func whatHasNoRoomIsNamed() {
        let lines = Defect.List.table.whole(cases, screen)
        let note = lines.drop { !$0.hasPrefix("Not shown") }.joined(separator: " ")
        let titles = lines[0].split(separator: " ").map(String.init)
        for title in ["SUPPLIER", "LOCATION", "NOTE"] {
            #expect(titles.contains(title) || note.contains(title), "\(title) is shown or named: \(lines)")
        }
        #expect(!note.contains("RMA"), "what is empty is not missed")
        #expect(Defect.List.table.whole(cases, Screen(width: nil)).allSatisfy { !$0.hasPrefix("Not shown") })
    }

    @Test func aColumnThatFillsLaterIsNamed() throws {
        let table = Table(columns: [Column("A", "a"), Column("B", "b", rank: 1)], empty: "")
        var writer = ListWriter(table: table, options: try ListOptions.parse(["--all"]), screen: screen)
        _ = try writer.page(["items": [["a": "1"]], "next_cursor": "c"])
        _ = try writer.page(["items": [["a": "2", "b": "x"]], "next_cursor": .null])
        #expect(writer.end().contains("B"))
    }

    @Test func workInProgressIsLookedAtAsBars() {
        let items: [JSONValue] = [
            ["product": "P", "stage": "wiring", "count": 40], ["product": "P", "stage": "testing", "count": 10],
            ["product": "P", "stage": "qa", "count": 0],
        ]
        let lines = Report.Progress.table.whole(items, Screen(width: 80, height: 24))
        let bars = lines.dropFirst().map { $0.count { $0 == "█" } }
        #expect(bars[0] == 30 && bars[2] == 0 && abs(bars[1] - 7) <= 1, "\(lines)")
        #expect(
            Report.Progress.table.whole(items, Screen(width: 80)).allSatisfy { !$0.contains("█") }, "no bars in a file")
        let yields: [JSONValue] = [
            ["product": "P", "stage": "qa", "passed": 1, "failed": 1, "first_pass_yield": .double(0.5)]
        ]
        let half = Report.Yield.table.whole(yields, Screen(width: 80, height: 24))[1]
        #expect(half.count { $0 == "█" } == 15, "half of a whole, not of the largest: \(half)")
    }

    @Test func aPlanSaysWhatItEnds() throws {
        let plan = try JSONValue(
            json: #"""
                {"changes":[{"action":"retire","kind":"person","name":"mia"},
                {"action":"retire","kind":"product","name":"P","holds":{"in_stock":3,"open_cases":1}}],
                "unchanged":false,"locks_out":true}
                """#)
        let lines = View.plan(done: false).draw(plan, screen)
        #expect(lines[1] == "- product P, still with 3 in stock, 1 open case")
        #expect(lines.last == "You would be no admin any more.")
        let question = Site.Apply.question(plan)
        #expect(question?.contains("retires person mia, product P") == true && question?.contains("LOCKED OUT") == true)
        #expect(Site.Apply.question(["changes": [["action": "change", "kind": "product", "name": "P"]]]) == nil)
    }

    @Test func helpAtThePromptIsNoScan() {
        #expect(Scan.help(screen).joined(separator: " ").contains("TRV:PASS"))
        #expect(Scan.help(Screen(width: 40)).allSatisfy { displayWidth($0) <= 60 })
    }

    @Test func oneTitleMeansOneThing() {
        var meanings: [String: Set<String>] = [:]
        for list in Travelerctl.lists {
            let table = list.table
            for column in table.columns where column.rank != nil {
                meanings[column.title, default: []].insert(column.key)
            }
        }
        // The same thing, which stands under another key where it is the list's own.
        let same: [Set<String>] = [
            ["id", "defect"], ["id", "return"], ["low", "low_stock"], ["actor", "operator"], ["name", "customer"],
            ["count", "cases"], ["good", "good"], ["remaining", "remaining"], ["id", "webhook"],
            ["cost", "total_cost"],
        ]
        for (title, keys) in meanings where keys.count > 1 {
            #expect(same.contains(keys), "\(title) means \(keys.sorted())")
        }
        #expect(meanings["ORDER"] == ["order"] && meanings["WORK ORDER"] == ["work_order"])
    }
}

extension Travelerctl {
    /// Every list.
    fileprivate static var lists: [any ListCall.Type] {
        func lists(_ command: any ParsableCommand.Type) -> [any ListCall.Type] {
            ((command as? any ListCall.Type).map { [$0] } ?? []) + command.configuration.subcommands.flatMap(lists)
        }
        return lists(Travelerctl.self)
    }
}
