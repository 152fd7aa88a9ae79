using CsCheck;
using VmSim.Core.Mmu;

namespace VmSim.Core.Tests.Mmu;

public class MmuModelTests
{
    private static readonly Gen<MmuStep[]> Steps =
        Gen.Select(
            Gen.Int[0, 17],
            Gen.Int[0, 4],
            Gen.Int[0, 4],
            Gen.UInt,
            (action, address, choice, bits) => new MmuStep(action, address, choice, bits)).Array[1, 250];

    private static readonly Gen<string> Policy = Gen.Int[0, ReplacementPolicies.All.Count - 1]
        .Select(index => ReplacementPolicies.All.Names[index]);

    private static readonly Gen<(int Pde, int Pdpte, int Pml4e)> Psc = Gen.Select(Gen.Int[0, 8], Gen.Int[0, 4], Gen.Int[0, 4]);

    // at most 2 address spaces and the global one, 3 sizes, 5 addresses: 45 keys, fewer than the 64 ways of each array
    private static readonly Gen<MmuSpec> Ample =
        from policy in Policy
        from psc in Psc
        from more in Gen.Int[0, 63]
        let array = new TlbSpec { Entries = 64, Ways = 64, Policy = policy }
        let none = new TlbSpec()
        select new MmuSpec
        {
            JoinedFirst = (more & 1) != 0,
            Instruction4K = array,
            InstructionLarge = array,
            InstructionHuge = (more & 2) != 0 ? array : none,
            Data4K = array,
            DataLarge = array,
            DataHuge = (more & 4) != 0 ? array : none,
            Second = array,
            SecondLarge = (more & 8) != 0 ? array : none,
            SecondHuge = (more & 16) != 0 ? array : none,
            SecondInstruction = (more & 32) != 0 ? array : none,
            PdeEntries = psc.Pde,
            PdpteEntries = psc.Pdpte,
            Pml4eEntries = psc.Pml4e,
        };

    private static readonly Gen<TlbSpec> AnyArray =
        from policy in Policy
        from ways in policy == ReplacementPolicies.TreePlru ? Gen.Int[0, 5].Select(power => 1 << power) : Gen.Int[1, 20]
        from sets in Gen.Int[0, 6]
        from limit in Gen.Int[0, 2 * ways]
        let isLimited = policy is ReplacementPolicies.Lru or ReplacementPolicies.Fifo && ways <= 16
        select new TlbSpec
        {
            Entries = ways * sets,
            Ways = ways,
            Policy = policy,
            Index = int.IsPow2(sets) ? TlbIndexes.Xor : TlbIndexes.Modulo,
            LargeWays = isLimited ? limit : TlbSpec.WaysMax,
            HugeWays = isLimited ? 2 * ways - limit : TlbSpec.WaysMax,
        };

    private static readonly Gen<TlbSpec> Maybe = Gen.Select(Gen.Bool, AnyArray, (has, array) => has ? array : new TlbSpec());

    private static readonly Gen<MmuSpec> Any =
        from instruction in AnyArray
        from instructionLarge in AnyArray
        from data in AnyArray
        from dataLarge in AnyArray
        from second in AnyArray
        from huge in Maybe.Array[2]
        from seconds in Maybe.Array[3]
        from isJoined in Gen.Bool
        from psc in Psc
        select new MmuSpec
        {
            JoinedFirst = isJoined,
            Instruction4K = instruction,
            InstructionLarge = instructionLarge,
            InstructionHuge = huge[0],
            Data4K = data,
            DataLarge = dataLarge,
            DataHuge = huge[1],
            Second = second,
            SecondLarge = second.Entries > 0 ? seconds[0] : new TlbSpec(),
            SecondHuge = second.Entries > 0 ? seconds[1] : new TlbSpec(),
            SecondInstruction = second.Entries > 0 ? seconds[2] : new TlbSpec(),
            PdeEntries = psc.Pde,
            PdpteEntries = psc.Pdpte,
            Pml4eEntries = psc.Pml4e,
        };

    [Fact]
    public void Translate_AmpleTlbs_ActAsDictionaries() =>
        Gen.Select(Ample, Steps).Sample(
            (spec, steps) =>
            {
                using MmuDriver driver = new(spec, 1, exact: true);
                driver.Run(steps);
            },
            iter: 3000);

    [Fact]
    public void Translate_AnyGeometry_UsesNothingThatWasDropped() =>
        Gen.Select(Any, Steps).Sample(
            (spec, steps) =>
            {
                using MmuDriver driver = new(spec, 1, exact: false);
                driver.Run(steps);
            },
            iter: 3000);
}
