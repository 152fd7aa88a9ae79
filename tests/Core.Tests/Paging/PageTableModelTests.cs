using CsCheck;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Paging;

/// <summary>
/// Random operations on a page table and on a plain dictionary: contents, views of earlier times, undo, export and import.
/// </summary>
public sealed class PageTableModelTests
{
    private static readonly Gen<Step[]> Steps =
        Gen.Select(Gen.Int[0, 15], Gen.Int[0, 3071], Gen.Int[0, 1300], Gen.Int[0, 511])
            .Select((kind, page, pages, flags) => new Step(kind, page, pages, (PageFlags)flags))
            .Array[1, 40];

    internal readonly record struct Step(int Kind, int Page, int Pages, PageFlags Flags);

    public static TheoryData<string> Names => new(PageTableFormats.All.Names);

    [Theory]
    [MemberData(nameof(Names))]
    public void AnyOperations_OfEveryFormat_MatchADictionary(string name) => Run(name, sequences: 40);

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Names))]
    public void ManyOperations_OfEveryFormat_MatchADictionary(string name) => Run(name, sequences: 1_000);

    private static void Run(string name, int sequences)
        => Steps.Sample(
            steps =>
            {
                using TableDriver driver = new(PageTableFormats.All.Require(name, "format"));
                foreach (Step step in steps)
                {
                    driver.Run(step);
                    driver.Check();
                }
            },
            iter: sequences);
}
