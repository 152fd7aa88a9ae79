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
        let array = new TlbSpec { Entries = 64, Ways = 64, Policy = policy }
        select new MmuSpec
        {
            Instruction4K = array,
            InstructionLarge = array,
            Data4K = array,
            DataLarge = array,
            Second = array,
            PdeEntries = psc.Pde,
            PdpteEntries = psc.Pdpte,
            Pml4eEntries = psc.Pml4e,
        };

    private static readonly Gen<TlbSpec> AnyArray =
        from policy in Policy
        from ways in policy == ReplacementPolicies.TreePlru ? Gen.Int[0, 5].Select(power => 1 << power) : Gen.Int[1, 20]
        from sets in Gen.Int[0, 6]
        select new TlbSpec { Entries = ways * sets, Ways = ways, Policy = policy };

    private static readonly Gen<MmuSpec> Any =
        from instruction in AnyArray
        from instructionLarge in AnyArray
        from data in AnyArray
        from dataLarge in AnyArray
        from second in AnyArray
        from psc in Psc
        select new MmuSpec
        {
            Instruction4K = instruction,
            InstructionLarge = instructionLarge,
            Data4K = data,
            DataLarge = dataLarge,
            Second = second,
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
