import Testing
import Tracking

/// Time that passes, by two clocks.
@Suite struct MomentTests {
    @Test func anAgeIsBySteadyClockWithinOneRunAndByWallClockAcrossTwo() {
        let before = Moment(wall: 1_000_000, steady: 500, run: 1)
        #expect(Moment(wall: 10, steady: 2_500, run: 1).age(of: before) == 2_000)
        #expect(Moment(wall: 1_002_000, steady: 10, run: 2).age(of: before) == 2_000)
        #expect(Moment(wall: 999_000, steady: 900, run: 2).age(of: before) == -1_000)
        #expect(Moment(wall: 999_000, steady: 900, run: 1).age(of: Moment(wall: 1_000_000)) == -1_000)
    }

    /// Between two events there is the wall clock only.
    @Test func aClockThatWasSetBackIsTooShortForAMinimumAndTooLongForAMaximum() throws {
        var plant = smallPlant()
        plant.routings["board"] = Routing(
            code: "board",
            stages: [
                Stage(name: "assembly"),
                Stage(name: "coating", minSince: Stage.Since(stage: "assembly", time: 1_000)),
                Stage(name: "qa", maxSince: Stage.Since(stage: "assembly", time: 86_400_000)),
            ])
        plant.stations["QA-1"] = Station(name: "QA-1", mode: .pass, stages: ["qa"], team: "finish")
        var floor = Floor(plant)
        try floor.openOrder()
        let serial = try floor.startUnit()
        #expect(try floor.scan("ASSY-1", serial).outcome == .passed)
        floor.step = -3_600_000
        #expect(try floor.scan("COAT-1", serial).reason == .tooSoon)
        floor.step = 0
        #expect(try floor.scan("COAT-1", serial).outcome == .passed)
        floor.step = -3_600_000
        let late = try floor.scan("QA-1", serial)
        #expect(late.reason == .tooLate)
        #expect(late.message.contains("set back"))
        floor.step = 0
        #expect(try floor.scan("QA-1", serial).status == .inStock)
    }
}
