/// A point in time, by both clocks of the daemon.
public struct Moment: Sendable, Equatable {
    /// By the wall clock, in milliseconds since 1970: what is put on record and shown. People and time servers set it.
    public var wall: Int64
    /// By a clock that nobody can set: what the wall clock said when the daemon started, and what has passed since, in
    /// milliseconds.
    public var steady: Int64
    /// In which run of the daemon; nil where that is not known. The steady clocks of two runs have nothing to do with each
    /// other.
    public var run: Int64?

    /// A point in time within a run of the daemon.
    public init(wall: Int64, steady: Int64, run: Int64) {
        (self.wall, self.steady, self.run) = (wall, steady, run)
    }

    /// A point in time of which only the wall clock is known.
    public init(wall: Int64) {
        (self.wall, steady, run) = (wall, wall, nil)
    }

    /// How long ago another moment was, in milliseconds: by the steady clock within one run of the daemon. Across a
    /// restart the wall clock counts, and if that was set back, the age can be negative.
    public func age(of earlier: Moment) -> Int64 {
        if let run, run == earlier.run { return steady - earlier.steady }
        return wall - earlier.wall
    }

    /// What the wall clock says at a time of the steady clock of the same run, if nobody sets it meanwhile.
    public func wall(atSteady time: Int64) -> Int64 { wall + (time - steady) }
}
