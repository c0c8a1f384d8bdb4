import ControlAPI
import ControlServer
import Testing
import Tracking

@Suite("The plant: planned, applied, exported, changed by command", .serialized)
struct SiteTests {
    @Test("a plan says what an apply does; an applied export changes nothing")
    func plan() async throws {
        let shop = try await Shop()
        #expect(await shop.ask("root", "GET", "/v1/status")["site"] == false)
        let first = await shop.ask("root", "POST", "/v1/site/plan", body: Array(Site.small.utf8))
        #expect(first["unchanged"] == false)
        #expect(first["changes"]?.array?.contains(["action": "create", "kind": "product", "name": "PCB-100"]) == true)
        #expect(await shop.ask("root", "GET", "/v1/status")["head"] == 0, "a plan changes nothing")

        let applied = await shop.ask("root", "PUT", "/v1/site", body: Array(Site.small.utf8))
        #expect(applied.status == 200 && applied.json == first.json)
        let export = await shop.ask("ada", "GET", "/v1/site")
        #expect(export.response.contentType == "application/yaml" && !export.text.contains("1007"), "badges are hashes")
        #expect(await shop.ask("ada", "PUT", "/v1/site", body: export.bytes)["unchanged"] == true)

        let changed = Site.small
            .replacing("name: Controller board, type: pcb", with: "name: Board, type: pcb, low_stock: 3")
            .replacing("[{ name: assembly }, {", with: "[{ name: assembly }, { name: coating, optional: true }, {")
            .replacing("  - { name: ASK-1, mode: lookup, team: smt }\n", with: "")
        let plan = await shop.ask("ada", "POST", "/v1/site/plan", body: Array(changed.utf8))
        #expect(
            plan["changes"] == [
                ["action": "new_version", "kind": "routing", "name": "board"],
                ["action": "change", "kind": "product", "name": "PCB-100", "fields": ["low_stock", "name"]],
                ["action": "retire", "kind": "station", "name": "ASK-1"],
            ], "\(plan.text)")
    }

    @Test("people, teams and departments are added and changed, and rights follow at once")
    func organisation() async throws {
        let shop = try await Shop(site: Site.small)
        #expect(await shop.ask("nele", "GET", "/v1/whoami").status == 403)
        let added = await shop.ask(
            "ada", "POST", "/v1/people",
            ["login": "nele", "name": "Nele", "role": "member", "team": "smt", "badge": "2001", "grants": ["deliver"]])
        #expect(added.status == 201 && added["has_badge"] == true && added["grants"] == ["deliver"], "\(added.text)")
        #expect(!added.text.contains("2001"), "the badge's code is never shown")
        let whoami = await shop.ask("nele", "GET", "/v1/whoami")
        #expect(whoami["scope"] == "own" && whoami["department"] == "electronics" && whoami["grants"] == ["deliver"])
        #expect(try await shop.scan("ASSY-1", "2001").person == "nele")

        #expect(
            await shop.ask("ada", "POST", "/v1/people", ["login": "nele", "name": "N", "role": "admin"]).code
                == "conflict")
        #expect(
            await shop.ask("ada", "POST", "/v1/people/nele/grant", ["grants": ["audit:read"]])["grants"] == [
                "audit:read", "deliver",
            ])
        #expect(await shop.ask("nele", "GET", "/v1/audit").status == 200)
        #expect(
            await shop.ask("ada", "POST", "/v1/people/nele/revoke", ["grants": ["audit:read"]])["grants"] == ["deliver"]
        )
        #expect(await shop.ask("nele", "GET", "/v1/audit").status == 403)
        let retired = await shop.ask("ada", "PATCH", "/v1/people/nele", ["retired": true, "badge": .null])
        #expect(retired["retired"] == true && retired["has_badge"] == false)
        #expect(await shop.ask("nele", "GET", "/v1/whoami").status == 403)

        let wrong = await shop.ask(
            "ada", "POST", "/v1/people", ["login": "x", "name": "X", "role": "member", "team": "none"])
        #expect(wrong.status == 400 && wrong["detail"]?.string?.contains("none") == true, "\(wrong.text)")
        #expect(await shop.ask("ada", "POST", "/v1/people", ["login": "x", "name": "X", "role": "boss"]).status == 400)
        #expect(
            await shop.ask(
                "ada", "POST", "/v1/people", ["login": "x", "name": "X", "role": "admin", "badge": "TRV:NEW"]
            ).status == 400)
        #expect(await shop.ask("ada", "PATCH", "/v1/people/nobody", ["name": "X"]).code == "not_found")

        let department = await shop.ask("ada", "POST", "/v1/departments", ["code": "mech", "name": "Mechanics"])
        #expect(department.status == 201, "\(department.text)")
        let team = await shop.ask("ada", "POST", "/v1/teams", ["code": "mill", "name": "Mill", "department": "mech"])
        #expect(team.status == 201 && team["department"] == "mech", "\(team.text)")
        #expect(await shop.ask("ada", "PATCH", "/v1/teams/mill", ["name": "Milling"])["name"] == "Milling")
        #expect(
            await shop.ask("ada", "PATCH", "/v1/departments/mech", ["retired": true]).status == 400, "a team is in it")
        #expect(await shop.ask("ada", "PATCH", "/v1/teams/mill", ["retired": true])["retired"] == true)
        #expect(await shop.ask("ada", "PATCH", "/v1/departments/mech", ["retired": true])["retired"] == true)
        #expect(await shop.ask("ada", "GET", "/v1/departments/mech")["name"] == "Mechanics")
        #expect(await shop.ask("ada", "GET", "/v1/teams?order=-code").items.first?["code"] == "smt")
    }

    @Test("an export after such changes brings them back")
    func exportAfterChanges() async throws {
        let shop = try await Shop(site: Site.small)
        _ = await shop.ask("ada", "POST", "/v1/departments", ["code": "mech", "name": "Mechanics"])
        let export = await shop.ask("ada", "GET", "/v1/site")
        #expect(export.text.contains("Mechanics"))
        #expect(await shop.ask("ada", "PUT", "/v1/site", body: export.bytes)["unchanged"] == true)
        #expect(
            await shop.ask("ada", "PUT", "/v1/site", body: Array(Site.small.utf8))["changes"]
                == [["action": "retire", "kind": "department", "name": "mech"]])
    }
}
