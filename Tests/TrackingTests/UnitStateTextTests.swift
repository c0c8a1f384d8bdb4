import Testing
import Tracking

@Suite struct UnitStateTextTests {
    @Test func readsWhatItWrites() throws {
        var random = Random(seed: 7)
        let words = ["a", "x|y", "50%", "a=b,c", "böse/1", "%7C", "", "coating"]
        for _ in 0..<2_000 {
            func word() -> String? {
                random.next() % 3 == 0 ? nil : words.filter { !$0.isEmpty }.randomElement(using: &random)
            }
            var state = UnitState(status: Status.allCases.randomElement(using: &random) ?? .defect)
            (state.stage, state.failedStage, state.assignee, state.worker) = (word(), word(), word(), word())
            (state.delivery, state.writeOffReason) = (word(), word())
            state.iteration = Int(random.next() % 5)
            (state.onHold, state.wasInStock) = (random.next() % 2 == 0, random.next() % 2 == 0)
            state.wasReturned = random.next() % 2 == 0
            if random.next() % 3 == 0 { state.returnItem = String(random.next() % 100_000) }
            if random.next() % 3 == 0 { state.defectCase = String(random.next() % 100_000) }
            if let code = word() { state.routing = RoutingRef(code: code, version: 3) }
            for _ in 0..<(random.next() % 4) {
                state.passed.append(.init(stage: word() ?? "s", at: Int64(random.next() % 1_000_000_000)))
            }
            #expect(UnitState(text: state.text) == state)
        }
    }

    @Test(arguments: [
        "", "in_production", "nonsense||||||||||", "defect|||x||||||||", "defect|||||r||||||", "defect||||hc1x||||||",
        "defect||||c||||||", "defect||||||||||a=b",
    ])
    func refusesAnythingElse(text: String) {
        #expect(UnitState(text: text) == nil)
    }
}
