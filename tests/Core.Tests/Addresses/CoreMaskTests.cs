using VmSim.Core.Addresses;

namespace VmSim.Core.Tests.Addresses;

public sealed class CoreMaskTests
{
    [Theory]
    [InlineData(new[] { 0, 63, 64 }, new[] { 1, 64, 129 })]
    [InlineData(new int[0], new[] { 5 })]
    [InlineData(new[] { 5 }, new int[0])]
    public void AddAll_TwoSets_IsTheirUnion(int[] first, int[] second)
    {
        CoreMask mask = Of(first);
        mask.AddAll(Of(second));
        int[] expected = [.. first.Union(second).Order()];
        Assert.Equal(expected.Length, mask.Count);
        Assert.Equal(expected, Enumerable.Range(0, 130).Where(mask.Contains));
    }

    private static CoreMask Of(int[] cores)
    {
        CoreMask mask = new(130);
        Array.ForEach(cores, mask.Add);
        return mask;
    }
}
