import Testing
import Tracking

/// Who may do what: the table of the contract, role by role and grant by grant.
@Suite struct AccessTests {
    static let byRole: [(Role, Set<Verb>)] = [
        (.admin, Set(Verb.allCases)),
        (.departmentLead, [.see, .seeOrders, .report, .assign, .hold, .audit, .seeDefects, .seeReturns]),
        (.teamLead, [.see, .seeOrders, .report, .assign, .hold, .scan, .seeDefects, .seeReturns]),
        (.member, [.see, .scan]),
    ]
    static let byGrant: [(Grant, Set<Verb>)] = [
        (.unitsWrite, [.register, .hold]), (.stockAdjust, [.adjust]), (.defectsMark, [.markDefect, .seeDefects]),
        (.defectsManage, [.markDefect, .seeDefects, .manageDefects]), (.deliver, [.deliver]),
        (.labelsPrint, [.printLabels]), (.auditRead, [.audit]),
        (.metricsRead, [.metrics]), (.returnsManage, [.seeReturns, .manageReturns, .handleReturns]),
        (.returnsInspect, [.seeReturns, .inspectReturns, .handleReturns]), (.stationTerminal, []),
    ]

    @Test func rolesMayWhatTheContractSays() throws {
        for (role, verbs) in Self.byRole {
            var plant = smallPlant()
            plant.people["eve"] = Person(login: "eve", name: "Eve", role: role, department: "electronics", team: "smt")
            let access = try #require(Access(login: "eve", isAdmin: false, in: plant))
            #expect(Set(Verb.allCases.filter(access.may)) == verbs, "\(role)")
        }
    }

    @Test func grantsAddToAMember() throws {
        #expect(Set(Self.byGrant.map(\.0)) == Set(Grant.allCases))
        for (grant, verbs) in Self.byGrant {
            var plant = smallPlant()
            plant.people["eve"] = Person(login: "eve", name: "Eve", role: .member, team: "smt", grants: [grant])
            let access = try #require(Access(login: "eve", isAdmin: false, in: plant))
            #expect(Set(Verb.allCases.filter(access.may)) == verbs.union([.see, .scan]), "\(grant)")
        }
    }

    @Test func whoLeftIsNobody() {
        var plant = smallPlant()
        plant.people["mia"]?.retired = true
        #expect(Access(login: "mia", isAdmin: false, in: plant) == nil)
        #expect(Access(login: "stranger", isAdmin: false, in: plant) == nil)
        #expect(Access(login: "root", isAdmin: true, in: Plant())?.isAdmin == true)
    }

    @Test func unitsAreSeenByTeamDepartmentAndHand() throws {
        let plant = smallPlant()
        var state = UnitState(status: .inProduction)
        func sees(_ login: String, _ team: String?) -> Bool {
            Access(login: login, isAdmin: false, in: plant)?.sees(team: team, state) ?? false
        }
        #expect(sees("ada", nil) && sees("dora", "smt") && sees("dora", "finish") && sees("lena", "smt"))
        #expect(!sees("dora", "desk") && !sees("dora", nil) && !sees("lena", "finish") && !sees("mia", "smt"))
        state.assignee = "mia"
        #expect(sees("mia", "desk"))
        state.assignee = nil
        state.worker = "mia"
        #expect(sees("mia", nil) && !sees("tom", nil))
    }
}
