/// What a station has in hand: who is signed on, what is on the bench, which order is open.
///
/// A terminal has a session of its own at a station, unless it is the station itself.
public struct Session: Sendable, Equatable {
    /// Login of the signed-on person.
    public var person: String?
    /// When something was last scanned here.
    public var activeAt = Moment(wall: 0)
    /// Number of the work order that labels are made for.
    public var workOrder: String?
    /// Serial of the unit on the bench.
    public var bench: String?
    /// Id of the open delivery.
    public var delivery: String?
    /// Quantity of unserialised goods for the next product code.
    public var quantity: Int?
    /// What is known of goods that come back here.
    public var returning: Returning?
    /// Serial that was last made or moved here, for a reprint.
    public var lastSerial: String?
    /// What an undo would take back.
    public var step: Step?
    /// The previous frame, to know a double read by. Not kept across a restart.
    public var previousCode: String?
    /// Why the previous frame was refused, if it was. Not kept across a restart.
    var previousRefusal: Stop?
    /// When the previous frame came.
    public var previousAt = Moment(wall: 0)

    /// A session in which nothing happened yet.
    public init() {}

    /// Ends the sign-on of a person who scanned nothing for as long as the plant allows, or for a time that can't be told,
    /// and clears their bench. Returns who it was.
    @discardableResult
    public mutating func endIfIdle(at now: Moment, _ settings: Settings) -> String? {
        guard let login = person, settings.signOffAfter > 0 else { return nil }
        if (0...Int64(settings.signOffAfter)).contains(now.age(of: activeAt)) { return nil }
        person = nil
        clearBench()
        return login
    }

    /// Takes whatever is on the bench off it.
    mutating func clearBench() {
        bench = nil
        returning?.item = nil
    }

    /// Something new is open: an undo is not about what was closed before it.
    mutating func forgetFinalStep() {
        if step?.effect == .final { step = nil }
    }

    /// What the codes at a returns station said of the goods that follow.
    public struct Returning: Sendable, Equatable, Codable {
        /// Number of the order that they come back from.
        public var order: String?
        /// Whether something is sent instead.
        public var kind: ReturnKind?
        /// Why they come back.
        public var reason: ReturnReason?
        /// In which condition they are.
        public var condition: ReturnCondition?
        /// Id of the item on the bench.
        public var item: String?

        /// Nothing was said.
        public init() {}
    }

    /// Whose session at which station.
    public struct Key: Sendable, Hashable {
        /// Name of the station.
        public var station: String
        /// Login of the caller whose terminal it is; nil for the station itself.
        public var terminal: String?

        /// Names the session of a station, or of a terminal there.
        public init(station: String, terminal: String? = nil) {
            (self.station, self.terminal) = (station, terminal)
        }
    }

    /// The last accepted step of a session.
    public struct Step: Sendable, Equatable {
        /// Number of its last event.
        public var event: Int64
        /// When it happened.
        public var at: Moment
        /// What it did.
        public var effect: Effect

        /// A step that ended with an event.
        public init(event: Int64, at: Moment, effect: Effect) {
            (self.event, self.at, self.effect) = (event, at, effect)
        }
    }

    /// What a step did, as far as an undo has to know.
    public enum Effect: Sendable, Equatable {
        /// A unit was moved on from this state; `opened` is the defect case that this opened.
        case unit(serial: String, before: UnitState, opened: String? = nil)
        /// An item of a return was made or carried out; it was as in `before`, and so was its unit.
        case item(id: String, before: ReturnItem?, unit: UnitState?)
        /// A label was made.
        case label(serial: String)
        /// Unserialised stock left in a delivery.
        case stock(product: String, quantity: Int, delivery: String)
        /// Goods without serials were made under an order.
        case produced(product: String, quantity: Int, workOrder: String)
        /// Something that can't be taken back: a scan-back, a closed delivery.
        case final
    }
}
