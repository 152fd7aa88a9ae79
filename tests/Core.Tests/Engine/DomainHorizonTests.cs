using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;

namespace VmSim.Core.Tests.Engine;

public sealed class DomainHorizonTests
{
    private static readonly Gen<long> Time = Gen.OneOf(Gen.Long[0, 6], Gen.Const(long.MaxValue));

    [Fact]
    public void Of_AnyTimes_IsWhatALookAtOneAfterTheOtherFinds() =>
        Gen.Select(Time.Array[0, 70], Time.Array[0, 20]).Sample((cores, groups) =>
    {
        int[] order =
            [.. Enumerable.Range(0, cores.Length).Where(core => cores[core] != long.MaxValue).OrderBy(core => cores[core])
                .ThenBy(core => core)];
        DomainHorizon expected = new(
            order.Length > 0 ? cores[order[0]] : long.MaxValue,
            order.Length > 0 ? order[0] : -1,
            order.Length > 1 ? cores[order[1]] : long.MaxValue,
            order.Length > 1 ? order[1] : -1,
            groups.Append(long.MaxValue).Min());
        Assert.Equal(expected, DomainHorizon.Of(cores, groups));
    });

    [Fact]
    public void Merge_WhatNodesSeeOfOneDomain_PlansLikeASingleNode() =>
        Gen.Select(
            Time.Array[1, 6].SelectMany(first => Gen.Select(Gen.Const(first), Time.Array[first.Length], Time.Array[first.Length])),
            Time.Array[1, 3])
            .Sample((cores, groups) =>
            {
                (long[] a, long[] b, long[] c) = cores;
                long[] all = [.. a.Select((time, core) => Math.Min(time, Math.Min(b[core], c[core])))];
                DomainHorizon whole = DomainHorizon.Of(all, groups);
                DomainHorizon merged = DomainHorizon.Empty
                    .Merge(DomainHorizon.Of(c, []))
                    .Merge(DomainHorizon.Of(a, groups))
                    .Merge(DomainHorizon.Of(b, []));
                Assert.Equal(whole.First, merged.First);
                Assert.Equal(whole.Second, merged.Second);
                Assert.Equal(whole.Group, merged.Group);
                Assert.True(whole.First == Cycles.Never || whole.FirstIndex == merged.FirstIndex);
            });
}
