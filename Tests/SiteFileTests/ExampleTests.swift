import SiteFile
import Testing
import Tracking

/// A stand-in for the keyed hash of badge codes.
func digest(_ code: String) -> String {
    let sum = code.utf8.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    let hex = String(sum, radix: 16)
    return "hmac-sha256:" + String(repeating: "0", count: 64 - hex.utf8.count) + hex
}

func parse(_ text: String) throws(SiteFileProblems) -> Plant {
    try SiteFile.parse(text, badgeDigest: digest)
}

@Suite struct ExampleTests {
    let plant: Plant

    init() throws { plant = try parse(exampleFile) }

    @Test func organisation() throws {
        #expect(plant.departments.keys.sorted() == ["electronics", "service"])
        #expect(plant.departments["electronics"]?.lead == "dora")
        #expect(plant.teams["desk"] == Team(code: "desk", name: "Returns desk", department: "service", lead: "rita"))
        #expect(plant.people.count == 8)
        #expect(plant.people["ada"] == Person(login: "ada", name: "Ada", role: .admin))
        #expect(plant.people["dora"]?.department == "electronics")
        #expect(plant.people["rita"]?.grants == [.returnsManage, .returnsInspect])
        #expect(plant.people["mia"]?.badge == digest("1007"))
        #expect(plant.suppliers["acme"]?.name == "Acme Boards")
        #expect(
            plant.defectTypes["SCRATCH"] == DefectType(code: "SCRATCH", name: "Scratched surface", category: "handling")
        )
    }

    @Test func catalogue() throws {
        #expect(
            plant.routings["board"]?.versions == [
                [
                    Stage(name: "assembly"), Stage(name: "testing", verdictRequired: true, maxIterations: 3),
                    Stage(name: "coating", optional: true), Stage(name: "qa", verdictRequired: true),
                ]
            ])
        let zpl = try #require(plant.labels["unit-small"]?.zpl)
        #expect(zpl.hasPrefix("^XA^CI28\n^FO40,30^BXN,6,200^FD{{serial}}^FS\n"))
        #expect(zpl.hasSuffix("^XZ\n"))
        let board = try #require(plant.products["PCB-100"])
        #expect(board.serial == .pattern("{product}-{yy}{ww}-{seq:4}", per: "week"))
        #expect(board.cost == Money(tenThousandths: 125_000))
        #expect((board.routing, board.label, board.supplier) == ("board", "unit-small", "acme"))
        let resistor = try #require(plant.products["RES-10K"])
        #expect((resistor.sparePart, resistor.minStock, resistor.lowStock) == (true, 100, 10))
    }

    @Test func stations() {
        #expect(plant.stations.count == 8)
        #expect(plant.stations["ASSY-1"]?.signOnRequired == true)
        #expect(plant.stations["QA-1"]?.mode == .verdict)
        #expect(plant.stations["QA-1"]?.stages == ["qa"])
        #expect(plant.stations["QA-1"]?.printers == ["tcp://127.0.0.1:9100"])
        #expect(plant.stations["BACK-1"]?.mode == .returns)
    }

    @Test func settings() {
        var settings = Settings()
        settings.timezone = "Europe/Berlin"
        settings.reworkStage = "assembly"
        settings.returnLocations = ["new": "RETURN-NEW", "good": "RETURN-USED", "damaged": "RETURN-DAMAGED"]
        #expect(plant.settings == settings)
    }

    @Test func keepsItsOwnRules() {
        #expect(SiteFile.validate(plant, badgeDigest: digest).isEmpty)
    }

    @Test func exportIsReadable() throws {
        var plant = plant
        plant.stations["BACK-1"]?.retired = true
        let badge = digest("1007")
        let expected = #"""
            departments:
              - { code: electronics, name: Electronics, lead: dora }
              - { code: service, name: Service, lead: sam }
            teams:
              - { code: desk, name: Returns desk, department: service, lead: rita }
              - { code: finish, name: Finishing, department: electronics, lead: luis }
              - { code: smt, name: SMT line 1, department: electronics, lead: lena }
            people:
              - { login: ada, name: Ada, role: admin }
              - { login: dora, name: Dora, role: department_lead, department: electronics }
              - { login: lena, name: Lena, role: team_lead, team: smt, grants: ["defects:manage"] }
              - { login: luis, name: Luis, role: team_lead, team: finish, grants: [deliver] }
              - login: mia
                name: Mia
                role: member
                team: smt
                badge: "\#(badge)"
              - { login: rita, name: Rita, role: team_lead, team: desk, grants: ["returns:inspect", "returns:manage"] }
              - { login: sam, name: Sam, role: department_lead, department: service }
              - login: tom
                name: Tom
                role: member
                team: finish
                badge: "\#(digest("1008"))"
            suppliers:
              - { code: acme, name: Acme Boards }
            defect_types:
              - { code: DEAD, name: Does not power up, category: electrical }
              - { code: SCRATCH, name: Scratched surface, category: handling }
              - { code: SOLDER, name: Solder bridge, category: assembly }
            routings:
              - code: board
                stages:
                  - { name: assembly }
                  - { name: testing, verdict: required, max_iterations: 3 }
                  - { name: coating, optional: true }
                  - { name: qa, verdict: required }
            labels:
              - name: unit-small
                zpl: |
                  ^XA^CI28
                  ^FO40,30^BXN,6,200^FD{{serial}}^FS
                  ^FO180,40^A0N,40^FD{{serial}}^FS
                  ^FO180,90^A0N,28^FD{{product.name}}^FS
                  ^XZ
            products:
              - code: PCB-100
                name: Controller board
                type: pcb
                routing: board
                label: unit-small
                serial: { pattern: "{product}-{yy}{ww}-{seq:4}", per: week }
                supplier: acme
                cost: 12.50
              - code: RES-10K
                name: Resistor 10k
                type: part
                spare_part: true
                min_stock: 100
            stations:
              - { name: ASK-1, mode: lookup, team: smt }
              - { name: ASSY-1, mode: pass, stages: [assembly], team: smt, sign_on: required }
              - { name: BACK-1, mode: returns, team: desk, retired: true }
              - { name: COAT-1, mode: pass, stages: [coating], team: finish }
              - { name: LABEL-1, mode: label, team: smt, printers: ["file:labels/"] }
              - { name: QA-1, mode: verdict, stages: [qa], team: finish, printers: ["tcp://127.0.0.1:9100"] }
              - { name: SHIP-1, mode: ship, team: finish }
              - { name: TEST-1, mode: verdict, stages: [testing], team: smt }
            settings:
              timezone: Europe/Berlin
              rework_stage: assembly
              return_locations: { damaged: RETURN-DAMAGED, good: RETURN-USED, new: RETURN-NEW }

            """#
        #expect(SiteFile.export(plant) == expected)
        #expect(try parse(SiteFile.export(plant)) == plant)
    }

    @Test func emptyFilesAreEmptyPlants() throws {
        for text in ["", "\n", "# nothing yet\n", "---\n", "teams:\nproducts: []\n", "settings: {}", "\u{FEFF}"] {
            #expect(try parse(text) == Plant(), "\(text)")
        }
        #expect(SiteFile.export(Plant()) == "")
    }

    @Test func textIsTakenAsItStands() throws {
        let plant = try parse(
            """
            suppliers:
              - { code: 007, name: 1.50 }
              - { code: 0x10, name: 2026-03-02 }
              - { code: "yes", name: 'It''s "fine"' }
            teams: [{ code: t, name: T, department: d }]
            departments: [{ code: d, name: D }]
            people:
              - { login: a, name: A, role: member, team: t, badge: 1007 }
              - { login: b, name: B, role: member, team: t, badge: "HMAC 1" }
              - { login: c, name: C, role: member, team: t, badge: "\(digest("x"))" }
            products:
              - code: P
                name: P
                type: part
                gtin: 4006381333931
                cost: 0.0005
                attributes: { colour: green, "no": 1.0 }
                serial: { external: '[A-Z]{2}\\d+' }
            """)
        #expect(plant.suppliers["007"]?.name == "1.50")
        #expect(plant.suppliers["0x10"]?.name == "2026-03-02")
        #expect(plant.suppliers["yes"]?.name == "It's \"fine\"")
        #expect(plant.people["a"]?.badge == digest("1007"))
        #expect(plant.people["b"]?.badge == digest("HMAC 1"))
        #expect(plant.people["c"]?.badge == digest("x"))
        #expect(plant.products["P"]?.gtin == "04006381333931")
        #expect(plant.products["P"]?.cost == Money(tenThousandths: 5))
        #expect(plant.products["P"]?.attributes == ["colour": "green", "no": "1.0"])
        #expect(plant.products["P"]?.serial == .external(#"[A-Z]{2}\d+"#))
    }

    @Test(arguments: [
        ("1500ms", 1_500), ("2s", 2_000), ("10m", 600_000), ("1h", 3_600_000), ("2d", 172_800_000), ("0s", 0),
    ])
    func durations(text: String, milliseconds: Int) throws {
        let plant = try parse("settings: { double_read: \(text), undo_within: \(text), sign_off_after: \(text) }")
        #expect(plant.settings.doubleRead == milliseconds)
        #expect(plant.settings.undoWithin == milliseconds)
        #expect(plant.settings.signOffAfter == milliseconds)
    }

    @Test func neverSignsOff() throws {
        let plant = try parse("settings: { sign_off_after: never }")
        #expect(plant.settings.signOffAfter == 0)
        #expect(SiteFile.export(plant) == "settings:\n  sign_off_after: never\n")
    }
}
