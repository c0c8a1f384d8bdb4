import Barcodes
import ControlAPI
import Testing

@testable import travelerctl

@Suite struct ControlSheetTests {
    private func sheet(_ mode: String, printers: [JSONValue] = []) -> Sheet {
        var sheet = Sheet(station: ["name": "S-1", "mode": .string(mode), "printers": .array(printers)])
        sheet.defectTypes = [
            ["code": "SOLDER", "name": "Solder <bridge>"], ["code": "OLD", "name": "Old", "retired": true],
        ]
        sheet.stations = [["stages": ["testing"]], ["stages": ["assembly", "testing"]], ["mode": "ship"]]
        sheet.workOrders = [["number": "1001", "product": "PCB-100"]]
        sheet.deliveries = [["order": "SO-77"]]
        sheet.returns = [["id": "15", "order": "SO-70"]]
        return sheet
    }

    private func codes(_ sheet: Sheet) -> [String] { sheet.sections.flatMap { $0.codes.map(\.code.text) } }

    @Test func eachModeHasTheCodesThatWorkThere() {
        #expect(
            codes(sheet("verdict")) == [
                "TRV:PASS", "TRV:FAIL:SOLDER", "TRV:REWORK:testing", "TRV:REWORK:assembly", "TRV:SCRAP:SOLDER",
                "TRV:HOLD",
                "TRV:RELEASE", "TRV:CANCEL", "TRV:UNDO",
            ])
        #expect(codes(sheet("pass", printers: ["tcp://p"])) == ["TRV:REPRINT", "TRV:UNDO"])
        #expect(codes(sheet("label")) == ["TRV:NEW", "TRV:WO:1001", "TRV:UNDO"])
        var goods = sheet("label")
        goods.products = [["code": "PCB-100", "routing": "board"]]
        #expect(codes(goods) == codes(sheet("label")))
        goods.products = [["code": "PCB-100"]]
        #expect(codes(goods).contains("TRV:QTY:10"))
        #expect(codes(sheet("ship")).prefix(4) == ["TRV:ORDER:SO-77", "TRV:RETURN:15", "TRV:CLOSE", "TRV:QTY:2"])
        #expect(codes(sheet("lookup")).isEmpty)
    }

    @Test func aSheetHasTheReturnsOfItsStation() {
        #expect(sheet("ship").returnsRequest?.target == "/v1/returns?unsent=true")
        #expect(sheet("returns").returnsRequest?.target == "/v1/returns?status=created")
        #expect(sheet("verdict").returnsRequest == nil)
    }

    @Test func anOrderWithSeveralReturnsIsThereOnce() {
        var sheet = sheet("returns")
        sheet.returns = [
            ["id": "15", "order": "SO-70"], ["id": "16", "order": "SO-70"], ["id": "17", "order": "SO-71"],
        ]
        #expect(codes(sheet).filter { $0.hasPrefix("TRV:ORDER") } == ["TRV:ORDER:SO-70", "TRV:ORDER:SO-71"])
    }

    @Test func everyCodeOnASheetIsAControlCodeAndABarCode() throws {
        for mode in ["verdict", "pass", "label", "ship", "returns"] {
            for code in codes(sheet(mode)) {
                #expect(ControlCode(code) != nil)
                #expect(throws: Never.self) { try Code128.widths(code) }
            }
        }
    }

    @Test func thePageShowsNamesAsTextAndCodesAsBars() throws {
        let sheet = sheet("verdict")
        let page = sheet.page(sheet.sections)
        #expect(page.contains("<b>SOLDER, Solder &lt;bridge&gt;</b>"))
        #expect(page.contains("<code>TRV:FAIL:SOLDER</code>"))
        #expect(page.components(of: "<svg") == 9)
    }

    @Test func theBarsAreThoseOfTheSymbol() throws {
        let text = "TRV:PASS"
        let svg = Sheet.symbol(text)
        var modules: [Bool] = []
        // Back from the path's rectangles to modules.
        for bar in svg.split(separator: "M").dropFirst() {
            let x = try #require(Int(bar.prefix { $0.isNumber }))
            let width = try #require(Int(bar.drop { $0 != "h" }.dropFirst().prefix { $0.isNumber }))
            modules += Array(repeating: false, count: x - modules.count) + Array(repeating: true, count: width)
        }
        #expect(Array(modules.dropFirst(Code128.quietZone)) == (try Code128.modules(text)))
        #expect(Sheet.symbol("TRV:FAIL:Ö").contains("cannot encode"))
    }
}

extension String {
    fileprivate func components(of part: String) -> Int {
        var count = 0
        var rest = self[...]
        while let range = rest.firstRange(of: part) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
