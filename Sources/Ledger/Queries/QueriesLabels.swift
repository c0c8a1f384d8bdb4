public import Tracking

/// Which label jobs are asked for; nil is any.
public struct LabelJobFilter: Sendable, Equatable {
    /// In this status.
    public var status: LabelJobStatus?
    /// For this serial.
    public var serial: String?

    /// Every label job, where nothing else is said.
    public init(status: LabelJobStatus? = nil, serial: String? = nil) {
        (self.status, self.serial) = (status, serial)
    }
}

extension Connection {
    /// The label job with this number; nil where there is none, or none within the scope.
    public func labelJob(_ id: Int64, for access: Access, in plant: Plant) throws -> LabelJob? {
        try first(
            """
            SELECT \(LabelJob.columns) FROM label_job
            WHERE label_job.id = \(id) AND \(access.seesTeam("label_job.team", in: plant))
            """, LabelJob.init(row:))
    }

    /// Label jobs by number, which is the order in which they were queued.
    ///
    /// - Throws: `Refusal` for a cursor that is none.
    public func labelJobs(
        _ filter: LabelJobFilter, for access: Access, in plant: Plant, _ page: Page
    ) throws -> Listing<LabelJob> {
        var conditions = [access.seesTeam("label_job.team", in: plant)]
        if let status = filter.status { conditions.append("label_job.status = \(status.rawValue)") }
        if let serial = filter.serial { conditions.append("label_job.serial = \(serial)") }
        let source: SQL =
            switch (filter.serial, filter.status) {
            case (let serial?, _): "label_job INDEXED BY label_job_serial WHERE serial = \(serial)"
            case (nil, .queued?), (nil, .sent?), (nil, .failed?):
                """
                label_job INDEXED BY label_job_open WHERE status IN ('queued', 'sent', 'failed')
                AND status = \(filter.status?.rawValue ?? "")
                """
            case (nil, .cancelled?): "label_job INDEXED BY label_job_cancelled WHERE status = 'cancelled'"
            default: "label_job WHERE TRUE"
            }
        let walk = Walk(
            key: "id", sources: [source], rows: "label_job ON label_job.id = walk.key", condition: conditions.all)
        var listing = try self.page(walk, page, LabelJob.columns, LabelJob.init(row:))
        if page.total { listing.total = try count(walk) }
        return listing
    }

    /// The label jobs that are not done with, queued or sent, oldest first: what there is to print after a start.
    public func openLabelJobs() throws -> [LabelJob] {
        try select(
            """
            SELECT \(LabelJob.columns) FROM label_job INDEXED BY label_job_open
            WHERE status IN ('queued', 'sent', 'failed') AND status IN ('queued', 'sent') ORDER BY id
            """, LabelJob.init(row:))
    }

    /// A label job, if it is not done with: queued or sent.
    public func openLabelJob(_ id: Int64) throws -> LabelJob? {
        try select(
            "SELECT \(LabelJob.columns) FROM label_job WHERE id = \(id) AND status IN ('queued', 'sent')",
            LabelJob.init(row:)
        ).first
    }

    /// What a station has in hand, for everyone who works at it.
    public func stationSession(_ name: String) throws -> Session {
        let records = StoredRecords(self)
        let session = records.session(Session.Key(station: name))
        if let failure = records.failure { throw failure }
        return session ?? Session()
    }
}

extension LabelJob {
    static let columns: SQL = """
        label_job.id, label_job.serial, label_job.product, label_job.team, label_job.printer, label_job.copy,
        label_job.status, label_job.problem, label_job.attempts, label_job.created_at,
        label_job.may_be_double
        """

    /// Reads a label job from a row of `columns`.
    init(row: Statement) throws {
        guard let status = LabelJobStatus(rawValue: row.text(6)) else { throw damagedRow("label_job") }
        self.init(
            id: row.int(0), serial: row.text(1), product: row.text(2), team: row.optionalText(3), printer: row.text(4),
            copy: Int(row.int(5)), status: status, problem: row.optionalText(7), attempts: Int(row.int(8)),
            createdAt: row.int(9), mayBeDouble: row.int(10) == 1)
    }
}
