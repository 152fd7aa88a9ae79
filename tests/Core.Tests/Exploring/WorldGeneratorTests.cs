using VmSim.Core.Exploring;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Tests.Exploring;

public sealed class WorldGeneratorTests
{
    [Fact]
    public void All_OfTwoCoresAndOnePage_AreThese()
    {
        WorldSize size = new(2, 1, 1) { Alphabet = [ScriptVerb.Load, ScriptVerb.Store, ScriptVerb.Munmap, ScriptVerb.Mprotect] };
        Assert.Equal(
            [
                "munmap 0 | ",
                "mprotect 0 | ",
                "munmap 0 | load 0",
                "munmap 0 | munmap 0",
                "mprotect 0 | store 0",
                "mprotect 0 | munmap 0",
                "mprotect 0 | mprotect 0",
            ],
            new WorldGenerator(size).All().Select(ScriptStep.Format));
    }

    /// <summary>No two worlds differ only in the names of cores and pages.</summary>
    [Theory]
    [InlineData(2, 2, 2)]
    [InlineData(3, 1, 3)]
    public void All_HaveNoTwoAlike(int cores, int operations, int pages)
    {
        WorldSize size = new(cores, operations, pages);
        HashSet<string> known = [];
        int last = 0;
        foreach (IReadOnlyList<IReadOnlyList<ScriptStep>> world in new WorldGenerator(size).All())
        {
            int steps = world.Sum(thread => thread.Count);
            Assert.True(steps >= last, "a smaller world comes later");
            last = steps;
            string text = ScriptStep.Format(world);
            foreach (int[] renaming in Renamings(pages))
            {
                string renamed = string.Join(
                    " | ",
                    world.Select(thread => string.Join(", ", thread.Select(step => Rename(step, renaming)))).Order(StringComparer.Ordinal));
                Assert.True(known.Add(renamed) || Itself(world, renaming, text), $"{text} stands there under another name");
            }
        }

        Assert.True(known.Count > 100, $"{known.Count} worlds");
    }

    [Fact]
    public void All_Twice_AreTheSame()
    {
        WorldGenerator generator = new(new WorldSize(2, 2, 1));
        Assert.Equal(generator.All().Select(ScriptStep.Format), generator.All().Select(ScriptStep.Format));
    }

    /// <summary>A world that a renaming leaves as it is, or that an earlier renaming of it gave already, is no second one.</summary>
    private static bool Itself(IReadOnlyList<IReadOnlyList<ScriptStep>> world, int[] renaming, string text)
    {
        string Sorted(IReadOnlyList<int> names) => string.Join(
            " | ",
            world.Select(thread => string.Join(", ", thread.Select(step => Rename(step, names)))).Order(StringComparer.Ordinal));
        string renamed = Sorted(renaming);
        return text.Length > 0 && Renamings(renaming.Length).TakeWhile(other => !other.SequenceEqual(renaming))
            .Any(other => Sorted(other) == renamed);
    }

    private static ScriptStep Rename(ScriptStep step, IReadOnlyList<int> renaming) =>
        step.Pages == 1 ? step with { Argument = renaming[(int)step.Argument] } : step;

    private static IEnumerable<int[]> Renamings(int pages) => pages == 1
        ? [[0]]
        : Renamings(pages - 1).SelectMany(shorter => Enumerable.Range(0, pages)
            .Select(place => (int[])[.. shorter[..place], pages - 1, .. shorter[place..]]));
}
